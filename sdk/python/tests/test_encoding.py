"""Canonical bytes, and the worked example of docs/protocol.md made again."""

from __future__ import annotations

import re

import pytest

from conftest import ROOT
from talentchain import Disclosure, Genesis, Key, ProofRefused, messages
from talentchain.crypto import merkle_root, sha256, tagged_hash
from talentchain.encoding import decode_as, encode, kind_of
from talentchain.errors import NotCanonical
from talentchain.light import check_author, check_envelope, transaction_id
from talentchain.transaction import read_transaction, sign_transaction

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()


def example(name: str) -> str:
    """A value of the worked example, which may go over several lines."""
    text = DOCUMENT[DOCUMENT.index("## Worked example") :]
    found = re.search(rf"^{name} +((?:[0-9a-f]+\n *)+)", text, re.MULTILINE)
    assert found is not None, name
    return re.sub(r"\s", "", found[1])


def test_makes_the_worked_example() -> None:
    found = re.search(r'^{"app".*}$', DOCUMENT, re.MULTILINE)
    assert found is not None
    genesis = Genesis(found[0].encode())
    assert genesis.chain_id.hex() == example("chain")
    assert genesis.validators.hash.hex() == example("validators_hash")
    key = Key(sha256(b"test key author"))
    assert key.public.hex() == example("author_key")
    salt, data = bytes.fromhex(example("salt")), b"name=value"
    envelope = encode(
        messages.Envelope(
            format=1,
            chain_id=genesis.chain_id,
            kind="Put",
            author_key=key.public,
            payload_hash=tagged_hash("talent/payload/v1", salt + data),
            valid_until=100,
            disclosure=messages.DISCLOSURE_FULL,
        )
    )
    assert envelope.hex() == example("envelope")
    assert key.sign("talent/sign/tx/v1", genesis.chain_id, envelope).hex() == example("signature")
    tx_id = transaction_id(envelope)
    assert tx_id.hex() == example("tx_id")
    receipt = encode(messages.Receipt(tx_id=tx_id))
    assert receipt.hex() == example("receipt")
    assert merkle_root([tx_id]).hex() == example("transactions_root")
    assert merkle_root([receipt]).hex() == example("receipts_root")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("120161", "bytes where a number is expected"),
        ("10020a0161", "out of order"),
        ("0a00", "an empty string is present"),
        ("1000", "a zero is present"),
        ("10021003", "twice"),
        ("108200", "not the shortest varint"),
        ("1080808080808080808080", "a varint without end"),
        ("108080808010", "more than 32 bits"),
        ("0a0261", "cut short"),
        ("1801", "an unknown field"),
        ("0a02c328", "not UTF-8"),
    ],
)
def test_refuses_what_is_not_canonical(data: str, why: str) -> None:
    with pytest.raises(NotCanonical):
        print(why, decode_as(messages.Score, bytes.fromhex(data)))


def test_every_message_goes_there_and_back() -> None:
    policy = messages.ConsortiumPolicy(version=1, class_weights=[1, 2, 0, 8], tier_points=[0, 50])
    assert decode_as(messages.ConsortiumPolicy, encode(policy)) == policy
    line = messages.PointsEntry(delta=-5, reason=messages.POINTS_REASON_NOT_REVEALED, balance=-(1 << 62))
    assert decode_as(messages.PointsEntry, encode(line)) == line


def test_a_signed_transaction_is_read_back_and_a_changed_one_is_not() -> None:
    key, chain = Key.generate(), bytes(range(32))
    message = messages.ArbitrationOpened(record_id=bytes(32))
    signed = sign_transaction(key, chain, message, valid_until=7, disclosure=Disclosure.PRIVATE)
    assert read_transaction(signed.encoded, chain) == signed
    assert signed.message() == message
    assert sign_transaction(key, chain, message, valid_until=7).id != signed.id  # another salt
    with pytest.raises(ProofRefused):
        read_transaction(signed.encoded, bytes(32))
    for i in range(len(signed.encoded)):
        bad = bytearray(signed.encoded)
        bad[i] ^= 1 << i % 8
        with pytest.raises((NotCanonical, ProofRefused)):
            read_transaction(bytes(bad), chain)


def test_an_author_cannot_be_changed() -> None:
    signed = sign_transaction(Key.generate(), bytes(32), messages.ArbitrationOpened(record_id=b"x"), valid_until=1)
    transaction = decode_as(messages.Transaction, signed.encoded)
    fields = {"envelope": transaction.envelope, "signature": bytes(64)}
    with pytest.raises(ProofRefused, match="author signature"):
        check_author(check_envelope(fields), fields, bytes(32))


def test_kinds_are_known_by_name() -> None:
    assert kind_of("AbilityAssessed") is messages.AbilityAssessed
    assert kind_of("Nonsense") is None
    assert kind_of("encode") is None
