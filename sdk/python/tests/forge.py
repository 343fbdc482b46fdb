"""Evidence that was changed, under proofs that hold: sealed by a validator of our own, on a chain of our own.

So that what a verifier makes of the evidence itself can be compared with what talentd makes of it.
"""

from __future__ import annotations

import json
from pathlib import Path

from conftest import run_talentd
from talentchain import Genesis, Key, Proof, ProofRefused, messages
from talentchain.crypto import merkle_root, sha256, tagged_hash
from talentchain.encoding import encode
from talentchain.light import block_hash, transaction_id

SEALER = Key(b"f" * 32)


def make_genesis(model: Path) -> Genesis:
    """That of a real chain, but for its validators."""
    fields = json.loads(model.read_text())
    node_key = Key(b"g" * 32).public.hex()
    fields["validators"] = [{"name": "forger", "vote_key": SEALER.public.hex(), "node_key": node_key}]
    fields["followers"] = []
    return Genesis(json.dumps(fields).encode())


def _certified(genesis: Genesis, height: int, **roots: bytes | int) -> messages.CertifiedHeader:
    fields = messages.BlockHeader(
        format=1,
        suite=1,
        chain_id=genesis.chain_id,
        height=height,
        previous_hash=bytes(32),
        time_ms=height,
        validators_hash=genesis.validators.hash,
        next_validators_hash=genesis.validators.hash,
    )
    for name, root in roots.items():
        setattr(fields, name, root)
    header = encode(fields)
    signature = SEALER.sign("talent/sign/seal/v1", genesis.chain_id, block_hash(header))
    certificate = messages.Certificate(seals=[messages.Seal(signature=signature)])
    return messages.CertifiedHeader(header=header, certificate=certificate)


def _statement(genesis: Genesis, height: int, key: bytes, value: bytes) -> messages.StateStatement:
    path, hash_ = tagged_hash("talent/state-key/v1", key), tagged_hash("talent/state-value/v1", value)
    root = sha256(b"\2" + path + hash_)  # a state of one entry
    header = _certified(genesis, height, state_root=root)
    return messages.StateStatement(header=header, proof=messages.StateProof(key=key, value=value, present=True))


def forge(genesis: Genesis, kind: str, data: bytes, entries: list[tuple[bytes, bytes]]) -> bytes:
    """A proof that holds, of a transaction with this payload, which shows these state entries."""
    salt = bytes(32)
    envelope = encode(
        messages.Envelope(
            format=1,
            chain_id=genesis.chain_id,
            kind=kind,
            author_key=SEALER.public,
            payload_hash=tagged_hash("talent/payload/v1", salt + data),
            valid_until=9,
        )
    )
    receipt = encode(messages.Receipt(tx_id=transaction_id(envelope)))
    roots: dict[str, bytes | int] = {
        "transactions_root": merkle_root([transaction_id(envelope)]),
        "receipts_root": merkle_root([receipt]),
        "transaction_count": 1,
    }
    return encode(
        messages.TransactionProof(
            header=_certified(genesis, 1, **roots),
            transaction=messages.SignedEnvelope(
                envelope=envelope, signature=SEALER.sign("talent/sign/tx/v1", genesis.chain_id, envelope)
            ),
            path=messages.TransactionPath(receipt=receipt),
            payload=messages.Payload(salt=salt, data=data),
            statements=[_statement(genesis, 2 + i, key, value) for i, (key, value) in enumerate(entries)],
        )
    )


def our_verdict(proof: bytes, genesis: Genesis) -> tuple[str, list[str]]:
    """The step that failed, or "holds"; the steps that were not checked."""
    try:
        return "holds", [fact.step for fact in Proof.verify(proof, genesis).way if not fact.checked]
    except ProofRefused as refusal:
        return refusal.step, []


def their_verdict(proof: bytes, genesis: Genesis, folder: Path) -> tuple[str, list[str]]:
    """talentd's."""
    (folder / "forged.proof").write_bytes(proof)
    (folder / "forged.genesis").write_bytes(genesis.data)
    files = ("--proof", folder / "forged.proof", "--genesis", folder / "forged.genesis", "--language", "en")
    lines = run_talentd("verify", *files, check=False).splitlines()
    failed = [line[8:26].strip() for line in lines if line.startswith("FAILED")]
    return (failed or ["holds"])[0], [line[8:26].strip() for line in lines if line.startswith("--")]


def compare(proof: Proof, model: Path, folder: Path, changes: int) -> None:
    """Where talentd refuses changed evidence, so do we, at the same step; what it checks and accepts, we accept."""
    genesis = make_genesis(model)
    assert proof.payload is not None
    entries = [(fact.key, fact.value) for fact in proof.statements if fact.value is not None]
    good = forge(genesis, proof.kind, proof.payload, entries)
    assert our_verdict(good, genesis) == their_verdict(good, genesis, folder) == ("holds", [])
    refused = 0
    for i in range(0, len(proof.payload), max(len(proof.payload) // changes, 1)):
        bad = bytearray(proof.payload)
        bad[i] ^= 1 << i % 8
        forged = forge(genesis, proof.kind, bytes(bad), entries)
        ours, theirs = our_verdict(forged, genesis), their_verdict(forged, genesis, folder)
        # Where a header is not shown, they leave the step to the chain's validators; we look at what is there.
        assert ours == theirs or (theirs[0] == "holds" and theirs[1]), f"byte {i}: {ours}, talentd says {theirs}"
        refused += ours[0] != "holds"
    assert refused > changes // 2
