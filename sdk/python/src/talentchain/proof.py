"""A proof that was checked, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import ProofRefused
from .evidence import CONSORTIUM_RECORD, PUBLISHED_RECORD, STATUS, Fact, check_evidence
from .genesis import Genesis
from .light import Passed, check_proof, read

RECEIPTS = (
    "OK",
    "EXPIRED",
    "DUPLICATE",
    "INVALID",
    "UNAUTHORIZED",
    "PRECONDITION",
    "NOT_FOUND",
    "BAD_EVIDENCE",
)


@dataclass(frozen=True)
class StateFact:
    """What the state has (`value`) or lacks (None) under `key` after block `height`."""

    key: bytes
    value: bytes | None
    height: int


@dataclass(frozen=True)
class RecordStanding:
    """Where a record stands, as of block `height` of the proven chain."""

    status: str
    superseded_by: bytes | None
    erased_by: bytes | None
    height: int


class Proof:
    """A transaction that was proven from its chain's genesis file. Made by `Proof.verify` only.

    `data` are the bytes to keep or pass on. A proof says what was so at its heights, not what is so today.
    """

    def __init__(self, data: bytes, genesis: Genesis, passed: Passed = lambda step, text: None) -> None:
        proven = check_proof(data, genesis, passed)
        self.data = data
        self.tier = genesis.tier
        self.tx_id: bytes = proven["tx_id"]
        self.kind: str = proven["envelope"]["kind"]
        self.author_key: bytes = proven["envelope"]["author_key"]
        self.height: int = proven["header"]["height"]
        self.time_ms: int = proven["header"]["time_ms"]
        self.block_hash: bytes = proven["block_hash"]
        self.payload: bytes | None = proven["payload"]["data"] if proven["payload"] else None
        self.receipt = RECEIPTS[proven["code"]] if proven["code"] < len(RECEIPTS) else str(proven["code"])
        self.statements = [
            StateFact(state["key"], state["value"] if state["present"] else None, height)
            for height, state in proven["statements"]
        ]
        self.way: list[Fact] = check_evidence(proven)

    @classmethod
    def verify(cls, data: bytes, genesis: Genesis) -> Proof:
        """Checks everything; raises ProofRefused with the step that failed.

        A transaction that was sealed without effect is refused too: that it is included does not mean that it counts.
        """
        proof = cls(data, genesis)
        if proof.receipt != "OK":
            raise ProofRefused("receipt", f"the chain sealed this transaction without effect: {proof.receipt}")
        return proof

    @classmethod
    def load(cls, path: str | Path, genesis: Genesis) -> Proof:
        """`verify` of a file, as `talentd proof` writes it."""
        return cls.verify(Path(path).read_bytes(), genesis)

    def state(self, key: bytes) -> StateFact | None:
        """The newest statement of the proof about `key`; None where it makes none."""
        about = [fact for fact in self.statements if fact.key == key]
        return max(about, key=lambda fact: fact.height, default=None)

    def standing(self, record_id: bytes) -> RecordStanding | None:
        """Where a record stands by this proof: verified, corrected, …, and what it was superseded by, if by anything.

        None where the proof does not say; `superseded_by` None is proven: not superseded as of `height`.
        """
        table, prefix = (PUBLISHED_RECORD, b"pub/") if self.tier == "public" else (CONSORTIUM_RECORD, b"rec/")
        fact = self.state(prefix + record_id)
        if self.tier == "private" or fact is None or fact.value is None:
            return None
        entry = read(table, fact.value, "standing")
        status = STATUS.get(entry["status"], str(entry["status"]))
        return RecordStanding(status, entry["superseded_by"] or None, entry["erased_by"] or None, fact.height)
