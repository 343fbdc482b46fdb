"""Installs the package into an environment of its own and runs everything that is asked of it:

    python3 sdk/python/run_tests.py --talentd PROGRAM --make-proofs PROGRAM [--work DIR] [PYTEST ARGUMENTS]

The environment is made anew where dependencies have changed, the package is installed anew where its sources have.
Nothing but pip uses the network. Nothing is written beside the sources.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def digest(*parts: bytes | Path) -> str:
    """Of bytes, files and whole folders."""
    out = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            out.update(part)
            continue
        for file in sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]:
            out.update(file.read_bytes())
    return out.hexdigest()


class Work:
    """The folder with the environment, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / "venv"
        self.env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(self, *command: str) -> None:
        """A program of the environment."""
        began = time.monotonic()
        subprocess.run([str(self.venv / "bin" / command[0]), *command[1:]], check=True, cwd=self.folder, env=self.env)
        print(f"{command[0]}: {time.monotonic() - began:.1f} s", flush=True)

    def install(self) -> None:
        """What is not there yet, or not any more as it should be."""
        project = tomllib.loads((HERE / "pyproject.toml").read_text())
        wanted = digest(repr((project["project"], project["build-system"], sys.version)).encode())
        sources = [HERE / "src", HERE / "build_messages.py", ROOT / "proto" / "talent"]
        package = digest(wanted.encode(), *sources)
        stamp = self.venv / "stamp"
        has = stamp.read_text().split() if stamp.exists() else ["", ""]
        if has == [wanted, package]:
            return
        if has[0] != wanted:
            shutil.rmtree(self.venv, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            subprocess.run([sys.executable, "-m", "venv", str(self.venv)], check=True)
            self.run("pip", "install", "--quiet", f"{HERE}[test]")
        else:
            self.run("pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(HERE))
        stamp.write_text(f"{wanted} {package}")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talentd", required=True, type=Path)
    parser.add_argument("--make-proofs", required=True, type=Path)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "sdk" / "python")
    options, more = parser.parse_known_args()
    work = Work(options.work.resolve())
    work.install()
    work.env |= {
        "TALENT_ROOT": str(ROOT),
        "TALENT_TALENTD": str(options.talentd.resolve()),
        "TALENT_MAKE_PROOFS": str(options.make_proofs.resolve()),
    }
    examples = ROOT / "sdk" / "examples" / "python"
    code = [str(HERE), str(examples)]
    configuration = ["--config-file", str(HERE / "pyproject.toml"), "--cache-dir", str(work.folder / "mypy")]
    try:
        work.run("ruff", "check", "--quiet", "--no-cache", "--config", str(HERE / "pyproject.toml"), *code)
        work.run("ruff", "format", "--check", "--quiet", "--no-cache", "--config", str(HERE / "pyproject.toml"), *code)
        work.run("mypy", *configuration, "-p", "talentchain")
        work.run("mypy", *configuration, str(HERE / "tests"), *map(str, sorted(examples.glob("*.py"))))
        work.run("pytest", "-p", "no:cacheprovider", "-c", str(HERE / "pyproject.toml"), "--rootdir", str(HERE), *more,
                 str(HERE / "tests"))  # fmt: skip
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
