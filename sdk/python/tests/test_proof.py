"""The verifier agrees with the node's light client, with this environment's libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import MAKE_PROOFS, ROOT

# All of them are compared by the tests of the protocol, with the system's libraries.
EVERY = "9"


@pytest.mark.skipif(not MAKE_PROOFS, reason="TALENT_MAKE_PROOFS names no program")
def test_agrees_with_the_light_client_on_changed_bytes() -> None:
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / "tests" / "protocol" / "protocol_test.py"), MAKE_PROOFS, EVERY],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "epochs:" in done.stdout


def test_needs_neither_grpc_nor_protobuf() -> None:
    code = "import sys, talentchain.verify; assert not {'grpc', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
