"""What the tests share: the tree, the programs, and one network of real nodes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from talentchain import Key, Network

ROOT = Path(os.environ.get("TALENT_ROOT", Path(__file__).resolve().parents[3]))
TALENTD = os.environ.get("TALENT_TALENTD", "talentd")
MAKE_PROOFS = os.environ.get("TALENT_MAKE_PROOFS", "")


def run_talentd(*arguments: str | Path, check: bool = True, cwd: Path | None = None) -> str:
    """The output of talentd."""
    done = subprocess.run([TALENTD, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False)
    if check and done.returncode:
        raise AssertionError(f"talentd {arguments[0]}: {done.stdout}{done.stderr}")
    return done.stdout


class Devnet:
    """A running network of `talentd devnet`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.endpoints = folder / "endpoints.json"
        self.passphrase_file = folder / "passphrase"
        self.passphrase = self.passphrase_file.read_text()
        self.network = Network.load(self.endpoints)

    def key_file(self, party: str) -> Path:
        """Of a centre or an enterprise."""
        enterprise = self.folder / "enterprises" / f"{party}.key"
        return enterprise if enterprise.exists() else self.folder / "nodes" / party / "keys" / "party.key"

    def key(self, party: str) -> Key:
        """Of a centre or an enterprise."""
        return Key.load(self.key_file(party), self.passphrase)

    def genesis_file(self, chain: str) -> Path:
        """Of a chain by name."""
        return self.folder / "genesis" / f"{chain}.json"


@pytest.fixture(scope="session")
def devnet() -> Iterator[Devnet]:
    """Six nodes on free ports, stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="talent-sdk-") as name:
        folder = Path(name) / ".devnet"  # by the name that the documents use
        try:
            run_talentd("devnet", "--dir", folder, "--start-only", cwd=ROOT)
            yield Devnet(folder)
        finally:
            run_talentd("devnet", "--dir", folder, "--clean", check=False, cwd=ROOT)


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT
