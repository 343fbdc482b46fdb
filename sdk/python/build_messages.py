"""Makes the messages of proto/ a part of the wheel, so that they cannot drift from the node's."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
PACKAGE = "talentchain._pb"
# Inside the package, so that they meet nobody else's top-level package "talent".
IMPORT = re.compile(r"^(from|import) talent\.", re.MULTILINE)
# protoc's type stubs leave these open, which mypy --strict refuses.
OPEN_TYPES = [
    (re.compile(r"\b_Mapping\]"), "_Mapping[str, object]]"),
    (re.compile(r"\*\*kwargs\)"), "**kwargs: object)"),
]


def find_protos() -> Path:
    """In a source distribution beside us, else in the tree."""
    for folder in (HERE / "proto", HERE.parents[1] / "proto"):
        if (folder / "talent").is_dir():
            return folder
    raise FileNotFoundError("proto/ is neither here nor two folders up: build from the tree or a source distribution")


def generate(out: Path) -> list[Path]:
    """Writes the modules below `out` and returns them."""
    protos = find_protos()
    files = sorted(protos.glob("talent/*/v1/*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--python_out={out}", f"--pyi_out={out}"]
    subprocess.run([*command, *map(str, files)], check=True)
    for module in out.rglob("*_pb2.py*"):
        text = IMPORT.sub(rf"\1 {PACKAGE}.talent.", module.read_text())
        for pattern, closed in OPEN_TYPES if module.suffix == ".pyi" else ():
            text = pattern.sub(closed, text)
        module.write_text(text)
    for folder in [out, *(p for p in out.rglob("*") if p.is_dir())]:
        (folder / "__init__.py").touch()
    return sorted(p for p in out.rglob("*") if p.is_file())


class MessagesHook(BuildHookInterface[Any]):
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        self.folder = tempfile.TemporaryDirectory()
        out = Path(self.folder.name)
        for file in generate(out):
            build_data["force_include"][str(file)] = f"talentchain/_pb/{file.relative_to(out)}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.target_name == "wheel":
            self.folder.cleanup()
