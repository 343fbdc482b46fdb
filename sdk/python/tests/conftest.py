"""What the tests share: the tree, the programs, and one network of real nodes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talentchain import Block, Client, Key, Network, messages

ROOT = Path(os.environ.get("TALENT_ROOT", Path(__file__).resolve().parents[3]))
TALENTD = os.environ.get("TALENT_TALENTD", "talentd")
MAKE_PROOFS = os.environ.get("TALENT_MAKE_PROOFS", "")
DOCUMENTS = ("sdk/python/README.md", "docs/enterprise.md")
WITHIN = 60.0  # seconds, for what takes a few on an idle machine


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
        self.documents: dict[str, subprocess.Popen[str]] = {}

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


def furnish(base: Path) -> None:
    """What the documents' commands find at the top of the tree."""
    (base / "sdk").symlink_to(ROOT / "sdk")
    programs = {
        "scripts/devnet": f'exec {shlex.quote(TALENTD)} devnet --dir .devnet "$@"',
        "bin/talentd": f'exec {shlex.quote(TALENTD)} "$@"',
        # run_tests.py has installed it, from the same folder.
        "bin/pip": '[ "$*" = "install ./sdk/python" ] || { echo "pip $*: not in the test" >&2; exit 1; }',
    }
    for name, command in programs.items():
        file = base / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{command}\n")
        file.chmod(0o755)


def run_document(devnet: Devnet, document: Path) -> subprocess.Popen[str]:
    """All code blocks of a document, in a process of their own, beside the devnet."""
    base = devnet.folder.parent
    path = os.pathsep.join([str(base / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, str(Path(__file__).parent / "run_document.py"), str(document), str(base)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PATH": path}
    )


@pytest.fixture(scope="session")
def devnet() -> Iterator[Devnet]:
    """Six nodes on free ports, stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="talent-sdk-") as name:
        base = Path(name).resolve()
        folder = base / ".devnet"  # by the name that the documents use
        network = None
        try:
            run_talentd("devnet", "--dir", folder, "--start-only", cwd=base)
            furnish(base)
            network = Devnet(folder)
            # Run meanwhile: most of what they do is to wait for the windows of their reviews.
            network.documents = {document: run_document(network, ROOT / document) for document in DOCUMENTS}
            yield network
        finally:
            for process in network.documents.values() if network else ():
                process.kill()
                process.communicate()
            run_talentd("devnet", "--dir", folder, "--clean", check=False, cwd=ROOT)


def wait_for(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WITHIN
    while not done():
        if time.monotonic() > until:
            raise AssertionError(f"not within {WITHIN:.0f} s: {what}")
        time.sleep(0.1)


def as_centre(devnet: Devnet, centre: str, chain: str, *command: str | Path) -> str:
    """talentd, signing for a centre on a chain."""
    signs: list[str | Path] = ["--key", devnet.key_file(centre), "--passphrase-file", devnet.passphrase_file]
    return run_talentd(*command, "--chain", chain, "--endpoints", devnet.endpoints, *signs)


@pytest.fixture(scope="session")
def centre(devnet: Devnet) -> Iterator[Client]:
    """centre-1 on its private chain."""
    with devnet.network.client("private-a", devnet.key("centre-1")) as client:
        yield client


class Watch:
    """Blocks of a chain, as a follower in a thread of its own sees them."""

    def __init__(self, client: Client) -> None:
        self.blocks: list[Block] = []
        self.follower = client.follow()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        for block in self.follower:
            self.blocks.append(block)

    def kinds(self) -> list[str]:
        return [transaction.kind for block in list(self.blocks) for transaction in block.transactions]

    def close(self) -> None:
        self.follower.close()
        self.thread.join(WITHIN)
        assert not self.thread.is_alive()


def new_person() -> messages.SubjectRegistered:
    """A transaction that a centre can always make."""
    return messages.SubjectRegistered(
        subject_id=os.urandom(32), commitment=os.urandom(32), custodian="centre-1", consent_version=1
    )
