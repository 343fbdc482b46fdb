"""Checks a TransactionProof from its chain's genesis file.

    talentchain-verify PROOF GENESIS

Prints each step. Exits with 0 where the proof holds, 1 where it does not, 2 where nothing could be checked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import ProofRefused
from .genesis import Genesis
from .proof import Proof


def main(arguments: list[str]) -> int:
    """The program, without its name; returns the exit code."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        data, genesis = Path(arguments[0]).read_bytes(), Genesis.load(arguments[1])
    except (OSError, ProofRefused) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    def passed(step: str, text: str, mark: str = "OK") -> None:
        line = f"{mark:<7} {step:<18} {text}"
        print("".join(c if c.isprintable() else "?" for c in line))  # others wrote some of it

    passed("genesis", f"{genesis.tier} chain {genesis.name} {genesis.chain_id.hex()}")
    try:
        proof = Proof(data, genesis, passed)
    except ProofRefused as error:
        print(f"FAILED  {error.step:<18} {error}")
        return 1
    for fact in proof.way:
        passed(fact.step, fact.text, "OK" if fact.checked else "--")
    if proof.receipt != "OK":
        print(f"the chain sealed this transaction without effect: {proof.receipt}")
        return 1
    print("the proof holds")
    return 0


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
