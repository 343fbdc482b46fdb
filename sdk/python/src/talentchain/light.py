"""The checks of the light client (docs/protocol.md, "Seals and certificates" to "Proof of a transaction").

A second implementation, written from that page: it shares no code with the node. Steps have the names of that page.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from .canonical import Fields, Table, decode, empty
from .crypto import HASH_SIZE, SIGNATURE_SIZE, leaf_hash, merkle_problem, sha256, tagged_hash, verifies
from .errors import ProofRefused
from .genesis import Genesis, ValidatorSet, require

MAX_EPOCHS = 10_000
MAX_STATEMENTS = 96
STATE_DEPTH = 256
KIND = re.compile("[A-Za-z0-9]{1,64}")

ENVELOPE: Table = {
    1: ("format", "uint32"),
    2: ("chain_id", "bytes"),
    3: ("kind", "string"),
    4: ("author_key", "bytes"),
    5: ("payload_hash", "bytes"),
    6: ("valid_until", "uint64"),
    7: ("disclosure", "enum"),
}
HEADER: Table = {
    1: ("format", "uint32"),
    2: ("suite", "uint32"),
    3: ("chain_id", "bytes"),
    4: ("height", "uint64"),
    5: ("previous_hash", "bytes"),
    6: ("view", "uint64"),
    7: ("proposer", "uint32"),
    8: ("time_ms", "uint64"),
    9: ("transactions_root", "bytes"),
    10: ("receipts_root", "bytes"),
    11: ("state_root", "bytes"),
    12: ("transaction_count", "uint32"),
    13: ("epoch", "uint64"),
    14: ("validators_hash", "bytes"),
    15: ("next_validators_hash", "bytes"),
}
RECEIPT: Table = {1: ("tx_id", "bytes"), 2: ("code", "enum")}
SEAL: Table = {1: ("validator", "uint32"), 2: ("signature", "bytes")}
CERTIFICATE: Table = {1: ("epoch", "uint64"), 2: ("seals", [SEAL])}
CERTIFIED: Table = {1: ("header", "bytes"), 2: ("certificate", CERTIFICATE)}
VALIDATOR: Table = {1: ("name", "string"), 2: ("vote_key", "bytes"), 3: ("node_key", "bytes")}
EPOCH_CHANGE: Table = {1: ("header", CERTIFIED), 2: ("next_validators", [VALIDATOR])}
STATE_PROOF: Table = {
    1: ("key", "bytes"),
    2: ("value", "bytes"),
    3: ("present", "bool"),
    4: ("siblings", ["bytes"]),
    5: ("other_path", "bytes"),
    6: ("other_value_hash", "bytes"),
}
STATEMENT: Table = {1: ("header", CERTIFIED), 2: ("proof", STATE_PROOF)}
SIGNED: Table = {1: ("envelope", "bytes"), 2: ("signature", "bytes")}
PAYLOAD: Table = {1: ("salt", "bytes"), 2: ("data", "bytes")}
PATH: Table = {
    1: ("index", "uint32"),
    2: ("transaction_path", ["bytes"]),
    3: ("receipt", "bytes"),
    4: ("receipt_path", ["bytes"]),
}
PROOF: Table = {
    1: ("epochs", [EPOCH_CHANGE]),
    2: ("header", CERTIFIED),
    3: ("transaction", SIGNED),
    4: ("path", PATH),
    5: ("payload", PAYLOAD),
    6: ("statements", [STATEMENT]),
}
BLOCK: Table = {1: ("header", "bytes"), 2: ("certificate", CERTIFICATE), 3: ("transactions", [SIGNED])}

Passed = Callable[[str, str], None]


def read(table: Table, data: bytes, step: str) -> Fields:
    """`decode`, refusing by the name of the step."""
    try:
        return decode(table, data)
    except ValueError as error:  # UnicodeDecodeError is one
        raise ProofRefused(step, error) from None


def transaction_id(envelope: bytes) -> bytes:
    """Of envelope bytes; of a record, its id on every tier."""
    return tagged_hash("talent/envelope/v1", envelope)


def block_hash(header: bytes) -> bytes:
    """Of header bytes."""
    return tagged_hash("talent/header/v1", header)


# --- Headers ---------------------------------------------------------------------------------------------------------


def check_header(
    chain: bytes, validators: ValidatorSet, certified: Fields | None, prefix: str = ""
) -> tuple[Fields, bytes]:
    """The header and its hash; steps are named with `prefix` in the place of their names."""
    step = prefix or "header"
    certified = certified or empty(CERTIFIED)
    data = certified["header"]
    header = read(HEADER, data, step)
    require(header["format"] == 1 and header["suite"] == 1, step, "format or suite")
    require(header["chain_id"] == chain, step, "of another chain")
    require(header["height"], step, "height 0")
    require(header["epoch"] == validators.epoch, step, "of another epoch")
    require(header["validators_hash"] == validators.hash, step, "another validator set")
    hash_ = block_hash(data)
    check_certificate(chain, validators, certified["certificate"], hash_, prefix or "certificate")
    # Keys that have left seal nothing new.
    height, last = header["height"], validators.last
    require(
        height >= validators.first and (last is None or height <= last), step, f"height {height} is not its epoch's"
    )
    return header, hash_


def check_certificate(
    chain: bytes, validators: ValidatorSet, certificate: Fields | None, hash_: bytes, step: str
) -> None:
    """That a quorum of `validators` sealed the block hash."""
    certificate = certificate or empty(CERTIFICATE)
    seals = certificate["seals"]
    require(certificate["epoch"] == validators.epoch, step, "of another epoch")
    ascending = all(a["validator"] < b["validator"] for a, b in itertools.pairwise(seals))
    require(ascending, step, "seals do not ascend")
    require(len(seals) >= validators.quorum, step, f"{len(seals)} seals; {validators.quorum} are needed")
    for seal in seals:
        index = seal["validator"]
        require(index < len(validators.validators), step, f"no validator {index}")
        key = validators.validators[index][1]
        require(verifies(key, "talent/sign/seal/v1", chain, hash_, seal["signature"]), step, f"seal of {index}")


def next_sets(sets: list[ValidatorSet], header: Fields, validators: list[Fields], step: str) -> list[ValidatorSet]:
    """`sets` and the one after `header`, the checked last one of its epoch: `validators`, if it announces them."""
    require(header["next_validators_hash"] != header["validators_hash"], step, "not the last header of its epoch")
    current, last = sets[-1], header["height"]
    infos = [(v["name"], v["vote_key"], v["node_key"]) for v in validators]
    following = ValidatorSet(current.epoch + 1, infos, step, first=last + 1)
    require(following.hash == header["next_validators_hash"], step, "not the validators announced")
    return [*sets[:-1], current.ended(last), following]


def check_epochs(genesis: Genesis, changes: list[Fields]) -> list[ValidatorSet]:
    """The validator sets from epoch 0 on."""
    require(len(changes) <= MAX_EPOCHS, "epochs", "too many")
    sets = [genesis.validators]
    for change in changes:
        step = f"epoch {len(sets)}"
        header, _ = check_header(genesis.chain_id, sets[-1], change["header"], step)
        sets = next_sets(sets, header, change["next_validators"], step)
    return sets


def _check_any(
    chain: bytes, sets: list[ValidatorSet], certified: Fields | None, step: str = ""
) -> tuple[Fields, bytes]:
    certificate = (certified or empty(CERTIFIED))["certificate"] or {"epoch": 0}
    require(certificate["epoch"] < len(sets), step or "certificate", "an epoch the proof does not lead to")
    return check_header(chain, sets[certificate["epoch"]], certified, step)


# --- Transactions and state ------------------------------------------------------------------------------------------


def check_envelope(transaction: Fields, step: str = "envelope") -> Fields:
    """An envelope by itself, read."""
    envelope = read(ENVELOPE, transaction["envelope"], step)
    require(envelope["format"] == 1, step, "format")
    require(KIND.fullmatch(envelope["kind"]), step, "kind")
    require(envelope["valid_until"], step, "valid_until")
    require(envelope["disclosure"] <= 3, step, "disclosure")
    require(all(len(envelope[f]) == HASH_SIZE for f in ("chain_id", "author_key", "payload_hash")), step, "a size")
    require(len(transaction["signature"]) == SIGNATURE_SIZE, step, "the signature's size")
    return envelope


def check_author(envelope: Fields, transaction: Fields, chain: bytes, step: str = "author signature") -> None:
    """That the author signed the envelope for `chain`."""
    require(envelope["chain_id"] == chain, step, "meant for another chain")
    holds = verifies(
        envelope["author_key"], "talent/sign/tx/v1", chain, transaction["envelope"], transaction["signature"]
    )
    require(holds, step, "does not verify")


def check_payload(envelope: Fields, payload: Fields, step: str = "payload hash") -> None:
    """That `payload` is what the envelope's author signed."""
    require(len(payload["salt"]) == HASH_SIZE, step, "the salt's size")
    actual = tagged_hash("talent/payload/v1", payload["salt"] + payload["data"])
    require(actual == envelope["payload_hash"], step, "another payload")


def _check_merkle(step: str, leaf: bytes, index: int, count: int, path: list[bytes], root: bytes) -> None:
    problem = merkle_problem(leaf_hash(leaf), index, count, path, root)
    require(problem is None, step, problem)


def check_path(header: Fields, tx_id: bytes, path: Fields | None, step: str = "") -> int:
    """That the transaction stands in the header's block, with the receipt in `path`; returns the receipt's code."""
    path = path or empty(PATH)
    index, count = path["index"], header["transaction_count"]
    _check_merkle(
        step or "transaction path", tx_id, index, count, path["transaction_path"], header["transactions_root"]
    )
    _check_merkle(step or "receipt path", path["receipt"], index, count, path["receipt_path"], header["receipts_root"])
    receipt = read(RECEIPT, path["receipt"], step or "receipt")
    require(receipt["tx_id"] == tx_id, step or "receipt", "of another transaction")
    code: int = receipt["code"]
    return code


def _bit(path: bytes, i: int) -> int:
    return path[i // 8] >> 7 - i % 8 & 1


def check_state(step: str, proof: Fields, root: bytes) -> None:
    """That the state behind `root` has, or lacks, the key of `proof`."""
    siblings = proof["siblings"]
    require(len(siblings) <= STATE_DEPTH and all(len(s) == HASH_SIZE for s in siblings), step, "siblings")
    path = tagged_hash("talent/state-key/v1", proof["key"])
    other, other_value = proof["other_path"], proof["other_value_hash"]
    if proof["present"]:
        require(not other and not other_value, step, "a proof of presence names another leaf")
        result = sha256(b"\2" + path + tagged_hash("talent/state-value/v1", proof["value"]))
    else:
        require(not proof["value"], step, "a proof of absence has a value")
        result = bytes(HASH_SIZE)
        if other or other_value:
            require(len(other) == len(other_value) == HASH_SIZE and other != path, step, "the other leaf")
            require(all(_bit(other, i) == _bit(path, i) for i in range(len(siblings))), step, "not on the key's path")
            result = sha256(b"\2" + other + other_value)
    for i, sibling in enumerate(siblings):
        right = _bit(path, len(siblings) - 1 - i)
        result = sha256(b"\3" + (sibling + result if right else result + sibling))
    require(result == root, step, "leads to another root")


def check_statement(
    chain: bytes, sets: list[ValidatorSet], statement: Fields, step: str, lowest: int = 1
) -> tuple[Fields, Fields]:
    """The header and the state proof of a statement, both checked; the header is not below height `lowest`."""
    about, _ = _check_any(chain, sets, statement["header"], step)
    require(about["height"] >= lowest, step, "about an earlier height")
    state = statement["proof"] or empty(STATE_PROOF)
    check_state(step, state, about["state_root"])
    return about, state


# --- The whole -------------------------------------------------------------------------------------------------------


def check_proof(data: bytes, genesis: Genesis, passed: Passed) -> dict[str, Any]:
    """Checks a `TransactionProof` in the order of the page, calling `passed` for each step; raises ProofRefused.

    Returns "header", "block_hash", "envelope", "tx_id", "payload", "code" and "statements" of (height, state proof).
    """
    proof = read(PROOF, data, "encoding")
    passed("encoding", f"{len(data)} bytes, canonical")
    chain = genesis.chain_id
    sets = check_epochs(genesis, proof["epochs"])
    if len(sets) > 1:
        passed("epochs", f"{len(sets) - 1} changes of validators")
    header, hash_ = _check_any(chain, sets, proof["header"])
    passed("certificate", f"block {header['height']} {hash_.hex()}")
    transaction = proof["transaction"] or empty(SIGNED)
    envelope = check_envelope(transaction)
    tx_id = transaction_id(transaction["envelope"])
    check_author(envelope, transaction, chain)
    passed("author signature", f"kind {envelope['kind']}, key {envelope['author_key'].hex()}")
    payload = proof["payload"]
    if payload is not None:
        check_payload(envelope, payload)
        passed("payload hash", f"{len(payload['data'])} bytes")
    code = check_path(header, tx_id, proof["path"])
    index = (proof["path"] or {"index": 0})["index"]
    passed("transaction path", f"{tx_id.hex()} at place {index} of {header['transaction_count']}, receipt code {code}")
    require(len(proof["statements"]) <= MAX_STATEMENTS, "statements", "too many")
    statements = []
    for number, statement in enumerate(proof["statements"], 1):
        step = f"statement {number}"
        about, state = check_statement(chain, sets, statement, step, header["height"])
        statements.append((about["height"], state))
        passed(step, f"height {about['height']} {'has' if state['present'] else 'lacks'} {state['key'].hex()}")
    return {
        "header": header,
        "block_hash": hash_,
        "envelope": envelope,
        "tx_id": tx_id,
        "payload": payload,
        "code": code,
        "statements": statements,
    }
