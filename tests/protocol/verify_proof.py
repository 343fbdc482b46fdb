#!/usr/bin/python3
"""Checks a TransactionProof from its chain's genesis file: an independent verifier, written from docs/protocol.md.

    verify_proof.py PROOF GENESIS

Prints each step. Exits with 0 where the proof holds, 1 where it does not, 2 where nothing could be checked.
Needs Python 3.9 and PyNaCl (Debian: python3-nacl), for Ed25519.
"""
import hashlib
import json
import re
import sys

from nacl.exceptions import BadSignatureError, ValueError as NaclValueError
from nacl.signing import VerifyKey


class Refused(Exception):
    """A check that failed: the name of the step, and why."""

    def __init__(self, step, why):
        super().__init__(f"{step}: {why}")
        self.step = step


def require(condition, step, why):
    if not condition:
        raise Refused(step, why)


# --- Hashes and signatures -------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def tag(name):
    return name.encode().ljust(32, b"\0")


def tagged_hash(name, data):
    return sha256(tag(name) + data)


def verifies(key, purpose, chain, body, signature):
    try:
        VerifyKey(key).verify(tag(purpose) + chain + body, signature)
        return True
    except (BadSignatureError, NaclValueError, ValueError):
        return False


# --- Canonical protobuf ----------------------------------------------------------------------------------------------
# A message is a table: field number -> (name, type). A type is "uint32", "uint64", "bool", "enum", "bytes", "string"
# or another table; in a list of one it is repeated. What decode() accepts has one encoding, so nothing is re-encoded.


def read_varint(data, at):
    value = 0
    for i in range(10):
        if at + i >= len(data):
            raise ValueError("cut short")
        byte = data[at + i]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            if (i and not byte) or value >= 1 << 64:
                raise ValueError("not the shortest varint")
            return value, at + i + 1
    raise ValueError("varint of more than ten bytes")


def read_number(kind, data, at):
    value, at = read_varint(data, at)
    fits = {"uint64": True, "uint32": value < 1 << 32, "bool": value < 2,
            "enum": value < 1 << 31 or value >= (1 << 64) - (1 << 31)}[kind]
    if not fits or not value:
        raise ValueError(f"{value} cannot stand for {kind}")
    return (bool(value) if kind == "bool" else value), at


def decode(table, data):
    default = {"uint32": 0, "uint64": 0, "enum": 0, "bool": False, "bytes": b"", "string": ""}
    out = {name: [] if isinstance(kind, list) else None if isinstance(kind, dict) else default[kind]
           for name, kind in table.values()}
    at, last = 0, 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if number not in table:
            raise ValueError(f"unknown field {number}")
        name, kind = table[number]
        repeated = isinstance(kind, list)
        kind = kind[0] if repeated else kind
        if number < last or (number == last and not repeated):
            raise ValueError(f"{name} stands out of order or twice")
        last = number
        if wire != (0 if kind in ("uint32", "uint64", "enum", "bool") else 2):
            raise ValueError(f"{name} has wire type {wire}")
        if wire == 0:
            out[name], at = read_number(kind, data, at)
            continue
        size, at = read_varint(data, at)
        value, at = data[at:at + size], at + size
        if at > len(data):
            raise ValueError("cut short")
        if isinstance(kind, dict):
            value = decode(kind, value)
        elif not value and not repeated:
            raise ValueError(f"{name} is present and empty")
        elif kind == "string":
            value = value.decode()
        if repeated:
            out[name].append(value)
        else:
            out[name] = value
    return out


ENVELOPE = {1: ("format", "uint32"), 2: ("chain_id", "bytes"), 3: ("kind", "string"), 4: ("author_key", "bytes"),
            5: ("payload_hash", "bytes"), 6: ("valid_until", "uint64"), 7: ("disclosure", "enum")}
HEADER = {1: ("format", "uint32"), 2: ("suite", "uint32"), 3: ("chain_id", "bytes"), 4: ("height", "uint64"),
          5: ("previous_hash", "bytes"), 6: ("view", "uint64"), 7: ("proposer", "uint32"), 8: ("time_ms", "uint64"),
          9: ("transactions_root", "bytes"), 10: ("receipts_root", "bytes"), 11: ("state_root", "bytes"),
          12: ("transaction_count", "uint32"), 13: ("epoch", "uint64"), 14: ("validators_hash", "bytes"),
          15: ("next_validators_hash", "bytes")}
RECEIPT = {1: ("tx_id", "bytes"), 2: ("code", "enum")}
SEAL = {1: ("validator", "uint32"), 2: ("signature", "bytes")}
CERTIFIED = {1: ("header", "bytes"), 2: ("certificate", {1: ("epoch", "uint64"), 2: ("seals", [SEAL])})}
VALIDATOR = {1: ("name", "string"), 2: ("vote_key", "bytes"), 3: ("node_key", "bytes")}
STATE_PROOF = {1: ("key", "bytes"), 2: ("value", "bytes"), 3: ("present", "bool"), 4: ("siblings", ["bytes"]),
               5: ("other_path", "bytes"), 6: ("other_value_hash", "bytes")}
PROOF = {1: ("epochs", [{1: ("header", CERTIFIED), 2: ("next_validators", [VALIDATOR])}]),
         2: ("header", CERTIFIED),
         3: ("transaction", {1: ("envelope", "bytes"), 2: ("signature", "bytes")}),
         4: ("path", {1: ("index", "uint32"), 2: ("transaction_path", ["bytes"]), 3: ("receipt", "bytes"),
                      4: ("receipt_path", ["bytes"])}),
         5: ("payload", {1: ("salt", "bytes"), 2: ("data", "bytes")}),
         6: ("statements", [{1: ("header", CERTIFIED), 2: ("proof", STATE_PROOF)}])}


def read(table, data, step):
    try:
        return decode(table, data)
    except ValueError as error:  # UnicodeDecodeError is one
        raise Refused(step, error) from None


def empty(table):
    return decode(table, b"")


# --- Genesis and validators ------------------------------------------------------------------------------------------


class ValidatorSet:
    def __init__(self, epoch, validators, step):
        """`validators` are (name, vote key, node key)."""
        keys = [key for _, vote, node in validators for key in (vote, node)]
        names = [name for name, _, _ in validators]
        require(1 <= len(names) <= 100, step, f"{len(names)} validators")
        require(all(names) and len(set(names)) == len(names), step, "a name is empty or used twice")
        require(all(len(key) == 32 for key in keys) and len(set(keys)) == len(keys), step, "keys")
        self.epoch, self.validators = epoch, validators
        self.quorum = (len(names) + (len(names) - 1) // 3) // 2 + 1
        self.hash = tagged_hash("talent/validators/v1", epoch.to_bytes(8, "big") + b"".join(
            len(name.encode()).to_bytes(4, "big") + name.encode() + vote + node for name, vote, node in validators))


class Genesis:
    """Reads what a verifier needs; everything else in the file is covered by the chain id."""

    def __init__(self, data):
        def unique(pairs):
            require(len(dict(pairs)) == len(pairs), "genesis", "a field stands twice")
            return dict(pairs)

        require(len(data) <= 1 << 20, "genesis", "over 1 MiB")
        try:
            fields = json.loads(data.decode(), object_pairs_hook=unique)
            require(fields["format"] == 1 and fields["suite"] == "ed25519-sha256", "genesis", "format or suite")
            self.name, self.tier = fields["name"], fields["tier"]
            validators = [(v["name"], bytes.fromhex(v["vote_key"]), bytes.fromhex(v["node_key"]))
                          for v in fields["validators"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("genesis", error) from None
        require(all(re.fullmatch("[a-z0-9-]{1,64}", name) for name, _, _ in validators), "genesis", "a name")
        self.chain_id = tagged_hash("talent/genesis/v1", data)
        self.validators = ValidatorSet(0, validators, "genesis")


# --- Proofs ----------------------------------------------------------------------------------------------------------


def check_header(chain, validators, certified, prefix=""):
    """The header, its hash; steps are named with `prefix` before them."""
    step = prefix or "header"
    certified = certified or empty(CERTIFIED)
    data = certified["header"]
    header = read(HEADER, data, step)
    require(header["format"] == 1 and header["suite"] == 1, step, "format or suite")
    require(header["chain_id"] == chain, step, "of another chain")
    require(header["height"], step, "height 0")
    require(header["epoch"] == validators.epoch, step, "of another epoch")
    require(header["validators_hash"] == validators.hash, step, "another validator set")
    block_hash = tagged_hash("talent/header/v1", data)
    step = prefix or "certificate"
    certificate = certified["certificate"] or {"epoch": 0, "seals": []}
    seals = certificate["seals"]
    require(certificate["epoch"] == validators.epoch, step, "of another epoch")
    require(all(a["validator"] < b["validator"] for a, b in zip(seals, seals[1:])), step, "seals do not ascend")
    require(len(seals) >= validators.quorum, step, f"{len(seals)} seals; {validators.quorum} are needed")
    for seal in seals:
        index = seal["validator"]
        require(index < len(validators.validators), step, f"no validator {index}")
        key = validators.validators[index][1]
        require(verifies(key, "talent/sign/seal/v1", chain, block_hash, seal["signature"]), step, f"seal of {index}")
    return header, block_hash


def check_epochs(genesis, changes):
    require(len(changes) <= 10_000, "epochs", "too many")
    sets = [genesis.validators]
    for change in changes:
        step = f"epoch {len(sets)}"
        header, _ = check_header(genesis.chain_id, sets[-1], change["header"], step)
        require(header["next_validators_hash"] != header["validators_hash"], step, "not the last header of its epoch")
        sets.append(ValidatorSet(len(sets), [(v["name"], v["vote_key"], v["node_key"])
                                             for v in change["next_validators"]], step))
        require(sets[-1].hash == header["next_validators_hash"], step, "not the validators announced")
    return sets


def check_any(chain, sets, certified, step=""):
    certificate = (certified or empty(CERTIFIED))["certificate"] or {"epoch": 0}
    require(certificate["epoch"] < len(sets), step or "certificate", "an epoch the proof does not lead to")
    return check_header(chain, sets[certificate["epoch"]], certified, step)


def check_path(step, leaf, index, count, path, root):
    require(len(path) <= 64 and all(len(sibling) == 32 for sibling in path), step, "siblings")
    require(index < count, step, f"leaf {index} of {count}")
    result, node, last = sha256(b"\0" + leaf), index, count - 1
    for sibling in path:
        require(last, step, "too long")
        if node % 2 or node == last:
            result = sha256(b"\1" + sibling + result)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            result = sha256(b"\1" + result + sibling)
        node, last = node // 2, last // 2
    require(last == 0, step, "too short")
    require(result == root, step, "leads to another root")


def check_envelope(transaction):
    step = "envelope"
    envelope = read(ENVELOPE, transaction["envelope"], step)
    require(envelope["format"] == 1, step, "format")
    require(re.fullmatch("[A-Za-z0-9]{1,64}", envelope["kind"]), step, "kind")
    require(envelope["valid_until"], step, "valid_until")
    require(envelope["disclosure"] <= 3, step, "disclosure")
    require(all(len(envelope[f]) == 32 for f in ("chain_id", "author_key", "payload_hash")), step, "a field's size")
    require(len(transaction["signature"]) == 64, step, "the signature's size")
    return envelope


def check_state(step, proof, root):
    def bit(path, i):
        return path[i // 8] >> 7 - i % 8 & 1

    siblings = proof["siblings"]
    require(len(siblings) <= 256 and all(len(sibling) == 32 for sibling in siblings), step, "siblings")
    path = tagged_hash("talent/state-key/v1", proof["key"])
    other, other_value = proof["other_path"], proof["other_value_hash"]
    if proof["present"]:
        require(not other and not other_value, step, "a proof of presence names another leaf")
        result = sha256(b"\2" + path + tagged_hash("talent/state-value/v1", proof["value"]))
    else:
        require(not proof["value"], step, "a proof of absence has a value")
        result = bytes(32)
        if other or other_value:
            require(len(other) == 32 and len(other_value) == 32 and other != path, step, "the other leaf")
            require(all(bit(other, i) == bit(path, i) for i in range(len(siblings))), step, "not on the key's path")
            result = sha256(b"\2" + other + other_value)
    for i, sibling in enumerate(siblings):
        right = bit(path, len(siblings) - 1 - i)
        result = sha256(b"\3" + (sibling + result if right else result + sibling))
    require(result == root, step, "leads to another root")


def verify(proof_bytes, genesis, passed=lambda step, what: None):
    """Calls `passed` for each step. Returns the receipt's code; raises Refused."""
    proof = read(PROOF, proof_bytes, "encoding")
    passed("encoding", f"{len(proof_bytes)} bytes, canonical")
    chain = genesis.chain_id
    sets = check_epochs(genesis, proof["epochs"])
    if len(sets) > 1:
        passed("epochs", f"{len(sets) - 1} changes of validators")
    header, block_hash = check_any(chain, sets, proof["header"])
    passed("certificate", f"block {header['height']} {block_hash.hex()}")
    transaction = proof["transaction"] or empty(PROOF[3][1])
    envelope = check_envelope(transaction)
    tx_id = tagged_hash("talent/envelope/v1", transaction["envelope"])
    step = "author signature"
    require(envelope["chain_id"] == chain, step, "meant for another chain")
    require(verifies(envelope["author_key"], "talent/sign/tx/v1", chain, transaction["envelope"],
                     transaction["signature"]), step, "does not verify")
    passed(step, f"kind {envelope['kind']}, key {envelope['author_key'].hex()}")
    payload = proof["payload"]
    if payload is not None:
        require(len(payload["salt"]) == 32, "payload hash", "the salt's size")
        require(tagged_hash("talent/payload/v1", payload["salt"] + payload["data"]) == envelope["payload_hash"],
                "payload hash", "another payload")
        passed("payload hash", f"{len(payload['data'])} bytes")
    path = proof["path"] or empty(PROOF[4][1])
    index, count = path["index"], header["transaction_count"]
    check_path("transaction path", tx_id, index, count, path["transaction_path"], header["transactions_root"])
    check_path("receipt path", path["receipt"], index, count, path["receipt_path"], header["receipts_root"])
    receipt = read(RECEIPT, path["receipt"], "receipt")
    require(receipt["tx_id"] == tx_id, "receipt", "of another transaction")
    passed("transaction path", f"{tx_id.hex()} at place {index} of {count}, receipt code {receipt['code']}")
    require(len(proof["statements"]) <= 96, "statements", "too many")
    for number, statement in enumerate(proof["statements"], 1):
        step = f"statement {number}"
        about, _ = check_any(chain, sets, statement["header"], step)
        require(about["height"] >= header["height"], step, "about an earlier height")
        state = statement["proof"] or empty(STATE_PROOF)
        check_state(step, state, about["state_root"])
        passed(step, f"height {about['height']} {'has' if state['present'] else 'lacks'} {state['key'].hex()}")
    return receipt["code"]


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as proof_file, open(arguments[1], "rb") as genesis_file:
            proof_bytes, genesis = proof_file.read(), Genesis(genesis_file.read())
    except (OSError, Refused) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    def passed(step, what):
        print(f"OK      {step:<18} {what}")

    passed("genesis", f"{genesis.tier} chain {genesis.name} {genesis.chain_id.hex()}")
    try:
        code = verify(proof_bytes, genesis, passed)
    except Refused as error:
        print(f"FAILED  {error.step:<18} {error}")
        return 1
    if code:
        print(f"the chain sealed this transaction without effect: receipt code {code}")
        return 1
    print("the proof holds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
