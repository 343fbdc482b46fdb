"""The way of a record across the tiers, checked from a proof (docs/protocol.md, "Evidence between chains").

The transaction of a proof may carry evidence of the chain below: a record with its author's signature, the state of
the consortium, the steps of a correction. What it cites is checked under the headers that the proof's statements show
as accepted; where a header is not among them, the step rests on the proven chain's validators, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .canonical import Fields, Table, decode, empty
from .genesis import require
from .light import (
    HEADER,
    PATH,
    PAYLOAD,
    SIGNED,
    STATE_PROOF,
    check_author,
    check_envelope,
    check_path,
    check_payload,
    check_state,
    read,
    transaction_id,
)

PRIVATE, COMMITMENT, FULL = 1, 2, 3  # disclosure classes
VERIFIED, CORRECTED, ERASED = 4, 5, 11
MAX_STEPS = 84

STATUS = {
    1: "in review",
    2: "disputed",
    3: "to be corrected",
    4: "verified",
    5: "corrected",
    6: "unverified",
    7: "a correction",
    8: "known by its envelope only",
    9: "disputed, and not corrected by its centre",
    10: "in arbitration",
    11: "erased",
    12: "the contest of a person",
}

ACCEPTED_HEADER: Table = {1: ("header", "bytes")}
RECORD_EVIDENCE: Table = {1: ("record", SIGNED), 2: ("payload", PAYLOAD), 3: ("state", STATE_PROOF)}
PATH_STEP: Table = {1: ("height", "uint64"), 2: ("transaction", SIGNED), 3: ("payload", PAYLOAD), 4: ("path", PATH)}
RECORD_PUBLISHED: Table = {
    1: ("source_chain", "bytes"),
    2: ("height", "uint64"),
    3: ("record", RECORD_EVIDENCE),
    4: ("steps", [PATH_STEP]),
}
CORRECTION_PUBLISHED: Table = {
    1: ("source_chain", "bytes"),
    2: ("height", "uint64"),
    3: ("original", RECORD_EVIDENCE),
    4: ("correction", RECORD_EVIDENCE),
    5: ("steps", [PATH_STEP]),
}
ERASURE_PUBLISHED: Table = {
    1: ("source_chain", "bytes"),
    2: ("height", "uint64"),
    3: ("record_id", "bytes"),
    4: ("state", STATE_PROOF),
}
RECORD_PROMOTED: Table = {
    1: ("source_chain", "bytes"),
    2: ("height", "uint64"),
    3: ("record", SIGNED),
    4: ("payload", PAYLOAD),
    5: ("path", PATH),
    6: ("decision_height", "uint64"),
    7: ("decision", STATE_PROOF),
}
PROMOTION_DECISION: Table = {
    1: ("kind", "string"),
    2: ("content_kind", "string"),
    3: ("disclosure", "enum"),
    4: ("author", "string"),
    5: ("centre", "string"),
    6: ("priority", "uint32"),
    7: ("value_class", "uint32"),
    8: ("policy_version", "uint64"),
    9: ("parties", ["string"]),
    10: ("supersedes", "bytes"),
    11: ("publish", "bool"),
    12: ("erases", ["bytes"]),
    13: ("contests", "bytes"),
}
CONSORTIUM_RECORD: Table = {
    1: ("source_chain", "bytes"),
    2: ("kind", "string"),
    3: ("content_kind", "string"),
    4: ("disclosure", "enum"),
    5: ("author", "string"),
    6: ("centre", "string"),
    7: ("priority", "uint32"),
    8: ("value_class", "uint32"),
    9: ("parties", ["string"]),
    10: ("status", "enum"),
    11: ("promotion_tx", "bytes"),
    12: ("height", "uint64"),
    13: ("promoted_ms", "uint64"),
    14: ("commits_close_ms", "uint64"),
    15: ("reveals_close_ms", "uint64"),
    16: ("answer_by_ms", "uint64"),
    17: ("supersedes", "bytes"),
    18: ("superseded_by", "bytes"),
    19: ("answered_by", "bytes"),
    20: ("path", ["bytes"]),
    21: ("commits", "uint32"),
    22: ("confirmations", "uint32"),
    23: ("disputes", "uint32"),
    24: ("upheld", "bool"),
    25: ("publish", "bool"),
    26: ("party_confirmations", "uint32"),
    27: ("party_disputes", "uint32"),
    28: ("policy_version", "uint64"),
    29: ("arbitration_by_ms", "uint64"),
    30: ("erased_by", "bytes"),
    31: ("silent", "bool"),
    32: ("contested_by", "bytes"),
    33: ("contests", "bytes"),
}
PUBLISHED_RECORD: Table = {
    1: ("source_chain", "bytes"),
    2: ("kind", "string"),
    3: ("content_kind", "string"),
    4: ("centre", "string"),
    5: ("status", "enum"),
    6: ("publication_tx", "bytes"),
    7: ("height", "uint64"),
    8: ("published_ms", "uint64"),
    9: ("supersedes", "bytes"),
    10: ("superseded_by", "bytes"),
    11: ("correction_tx", "bytes"),
    12: ("erased_by", "bytes"),
    13: ("consortium", "bytes"),
}


@dataclass(frozen=True)
class Fact:
    """One step of the way. `checked` is False where the proof lacks the header it would be checked with."""

    step: str
    text: str
    checked: bool = True


def header_key(chain: bytes, height: int) -> bytes:
    """Where a chain keeps an accepted header of a source chain."""
    return b"header/" + chain + height.to_bytes(8, "big")


class _Walk:
    def __init__(self, statements: list[tuple[int, Fields]]) -> None:
        self.entries = {state["key"]: state["value"] for _, state in statements if state["present"]}
        self.heights = {state["key"]: height for height, state in statements}
        self.facts: list[Fact] = []

    def say(self, step: str, text: str, checked: bool = True) -> None:
        self.facts.append(Fact(step, text, checked))

    def header(self, chain: bytes, height: int) -> Fields | None:
        try:
            return decode(HEADER, decode(ACCEPTED_HEADER, self.entries[header_key(chain, height)])["header"])
        except (KeyError, ValueError):
            return None  # not shown, or no header: a quorum may have sealed anything

    def present(self, step: str, header: Fields | None, key: bytes, proof: Fields | None) -> Fields:
        """The state proof, checked where its header is known."""
        proof = proof or empty(STATE_PROOF)
        require(proof["key"] == key and proof["present"], step, "the state proof is of another entry, or an absent one")
        if header is not None:
            check_state(step, proof, header["state_root"])
        return proof

    def signed(self, role: str, record: Fields | None, payload: Fields | None) -> tuple[bytes, Fields]:
        record = record or empty(SIGNED)
        envelope = check_envelope(record, role)
        check_author(envelope, record, envelope["chain_id"], role)
        if payload is not None:
            check_payload(envelope, payload, role)
        tx_id = transaction_id(record["envelope"])
        self.say(
            role,
            f"{envelope['kind']} {tx_id.hex()}, written on private chain {envelope['chain_id'].hex()}, "
            f"signed by {envelope['author_key'].hex()}",
        )
        return tx_id, envelope

    def record(self, role: str, evidence: Fields | None, message: Fields) -> tuple[bytes, Fields]:
        """A published record with the consortium's word for it: its id and `ConsortiumRecord`."""
        evidence = evidence or empty(RECORD_EVIDENCE)
        require(evidence["payload"] is not None, role, "its payload is missing")
        record_id, envelope = self.signed(role, evidence["record"], evidence["payload"])
        step = f"{role} state"
        header = self.header(message["source_chain"], message["height"])
        proof = self.present(step, header, b"rec/" + record_id, evidence["state"])
        state = read(CONSORTIUM_RECORD, proof["value"], step)
        require(state["source_chain"] == envelope["chain_id"], step, "the consortium knows it from another chain")
        require(envelope["disclosure"] == FULL and state["publish"], step, "it was not to be published")
        self.describe(step, state, message["height"], header is not None)
        return record_id, state

    def describe(self, step: str, state: Fields, height: int, checked: bool) -> None:
        self.say(
            step,
            f"{STATUS.get(state['status'], state['status'])} on the consortium after block {height}: "
            f"{state['confirmations']} confirmations, {state['disputes']} disputes, value class "
            f"{state['value_class']}, policy version {state['policy_version']}",
            checked,
        )

    def standing(self, record_id: bytes) -> None:
        """What the proven chain says of the record, where the proof shows it."""
        for prefix, table in ((b"pub/", PUBLISHED_RECORD), (b"rec/", CONSORTIUM_RECORD)):
            key = prefix + record_id
            if key not in self.entries:
                continue
            entry = read(table, self.entries[key], "standing")
            status = STATUS.get(entry["status"], entry["status"])
            by = entry["superseded_by"]
            after = f"superseded by {by.hex()}" if by else "not superseded"
            self.say("standing", f"{record_id.hex()} is {status} as of block {self.heights[key]}, {after}")

    def steps(self, message: Fields, state: Fields) -> None:
        """Every step of the path that the consortium's state lists, and no other."""
        steps, path = message["steps"], state["path"]
        require(len(steps) == len(path) and len(steps) <= MAX_STEPS, "steps", f"{len(steps)} of {len(path)}")
        for number, (step, expected) in enumerate(zip(steps, path, strict=True), 1):
            name = f"step {number}"
            transaction = step["transaction"] or empty(SIGNED)
            envelope = check_envelope(transaction, name)
            tx_id = transaction_id(transaction["envelope"])
            require(tx_id == expected, name, f"it is transaction {tx_id.hex()}, the path has {expected.hex()}")
            check_author(envelope, transaction, message["source_chain"], name)
            promoted = envelope["kind"] == "RecordPromoted"
            require((step["payload"] is None) == promoted, name, "payload")
            if step["payload"] is not None:
                check_payload(envelope, step["payload"], name)
            header = self.header(message["source_chain"], step["height"])
            if header is not None:
                require(check_path(header, tx_id, step["path"], name) == 0, name, "it took no effect")
            self.say(name, f"block {step['height']}: {envelope['kind']} {tx_id.hex()}", header is not None)


def _published(walk: _Walk, message: Fields) -> None:
    record_id, state = walk.record("record", message["record"], message)
    require(state["status"] == VERIFIED, "record state", "the consortium has not verified it")
    walk.steps(message, state)
    walk.standing(record_id)


def _corrected(walk: _Walk, message: Fields) -> None:
    original_id, original = walk.record("original", message["original"], message)
    correction_id, correction = walk.record("correction", message["correction"], message)
    matches = original["superseded_by"] == correction_id and correction["supersedes"] == original_id
    require(original["status"] == CORRECTED and matches, "correction state", "not what the original is corrected by")
    walk.steps(message, original)
    walk.standing(original_id)
    walk.standing(correction_id)


def _erased(walk: _Walk, message: Fields) -> None:
    header = walk.header(message["source_chain"], message["height"])
    proof = walk.present("record state", header, b"rec/" + message["record_id"], message["state"])
    state = read(CONSORTIUM_RECORD, proof["value"], "record state")
    require(state["status"] == ERASED and state["publish"], "record state", "not erased, or not to be published")
    walk.say("record state", f"{message['record_id'].hex()} erased by {state['erased_by'].hex()}", header is not None)
    walk.standing(message["record_id"])


def _promoted(walk: _Walk, message: Fields) -> None:
    record_id, envelope = walk.signed("record", message["record"], message["payload"])
    require(envelope["chain_id"] == message["source_chain"], "record", "of another chain than is cited")
    disclosure = envelope["disclosure"]
    fits = disclosure == (COMMITMENT if message["payload"] is None else FULL)
    require(fits, "record", "its payload does not go with its disclosure class")
    sealed = walk.header(message["source_chain"], message["height"])
    if sealed is not None:
        require(check_path(sealed, record_id, message["path"], "private block") == 0, "private block", "without effect")
    where = f"sealed in block {message['height']} of private chain {envelope['chain_id'].hex()}"
    walk.say("private block", where, sealed is not None)
    decided = walk.header(message["source_chain"], message["decision_height"])
    proof = walk.present("decision", decided, b"promote/" + record_id, message["decision"])
    decision = read(PROMOTION_DECISION, proof["value"], "decision")
    same = decision["kind"] == envelope["kind"] and decision["disclosure"] == disclosure
    require(same, "decision", "of another kind or disclosure class")
    walk.say(
        "decision",
        f"that chain's policy lets it leave: priority {decision['priority']}, value class {decision['value_class']}, "
        f"centre {decision['centre']}",
        decided is not None,
    )
    walk.standing(record_id)


_KINDS: dict[str, tuple[Table, Callable[[_Walk, Fields], None]]] = {
    "RecordPublished": (RECORD_PUBLISHED, _published),
    "CorrectionPublished": (CORRECTION_PUBLISHED, _corrected),
    "ErasurePublished": (ERASURE_PUBLISHED, _erased),
    "RecordPromoted": (RECORD_PROMOTED, _promoted),
}


def check_evidence(proven: dict[str, Any]) -> list[Fact]:
    """Checks the evidence in what `light.check_proof` proved; empty where it carries none. Raises ProofRefused."""
    known = _KINDS.get(proven["envelope"]["kind"])
    if known is None or proven["payload"] is None:
        return []
    table, check = known
    walk = _Walk(proven["statements"])
    check(walk, read(table, proven["payload"]["data"], "payload"))
    return walk.facts
