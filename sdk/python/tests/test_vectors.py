"""Other people's vectors, which the C++ code is held to as well (tests/vectors)."""

from __future__ import annotations

import base64
import json
from typing import Any

from conftest import ROOT
from talentchain.crypto import merkle_problem, merkle_root, sha256, verify_ed25519
from talentchain.keys import Key


def load(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / name).read_text())
    return fields


def test_sha256_is_that_of_fips_180() -> None:
    vectors = load("fips180-sha256.json")["vectors"]
    assert len(vectors) >= 4
    for vector in vectors:
        data = vector["text"].encode() * vector.get("times", 1)
        assert sha256(data).hex() == vector["digest"], vector["text"][:20]


def test_ed25519_is_that_of_rfc_8032() -> None:
    vectors = load("rfc8032-ed25519.json")["vectors"]
    assert vectors
    for vector in vectors:
        key = Key(bytes.fromhex(vector["secret_key"]))
        message, signature = bytes.fromhex(vector["message"]), bytes.fromhex(vector["signature"])
        assert key.public.hex() == vector["public_key"]
        assert key._key.sign(message).signature == signature
        assert verify_ed25519(key.public, message, signature)
        assert not verify_ed25519(key.public, message + b"x", signature)


def test_ed25519_refuses_what_wycheproof_calls_invalid() -> None:
    count = 0
    for group in load("wycheproof-ed25519.json")["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            valid = verify_ed25519(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert valid == (test["result"] == "valid"), test["comment"]
            count += 1
    assert count == 151


def test_merkle_paths_are_those_of_rfc_6962() -> None:
    proofs = load("rfc6962-proofs.json")["inclusion"]
    assert len(proofs) == 98
    for proof in proofs:
        path = [base64.b64decode(sibling) for sibling in proof["proof"] or []]
        root, leaf = base64.b64decode(proof["root"] or ""), base64.b64decode(proof["leafHash"] or "")
        problem = merkle_problem(leaf, proof["leafIdx"], proof["treeSize"], path, root)
        assert (problem is not None) == proof["wantErr"], (proof["name"], problem)


def test_merkle_root_of_nothing_and_of_more_than_a_power_of_two() -> None:
    assert merkle_root([]) == sha256(b"")
    a, b, c = (sha256(b"\0" + leaf) for leaf in (b"a", b"b", b"c"))
    assert merkle_root([b"a", b"b", b"c"]) == sha256(b"\1" + sha256(b"\1" + a + b) + c)
