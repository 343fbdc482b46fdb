"""Signed transactions, and what becomes of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import cast

from google.protobuf.message import Message
from nacl.utils import random

from . import messages
from .crypto import HASH_SIZE, tagged_hash
from .encoding import decode_as, encode, kind_of
from .keys import Key
from .light import check_author, check_envelope, check_payload, transaction_id


class Disclosure(enum.IntEnum):
    """How far a record may travel. 披露级别"""

    NOT_A_RECORD = 0
    PRIVATE = 1
    COMMITMENT = 2
    FULL = 3


class Receipt(enum.IntEnum):
    """Why a transaction in a block took effect or did not."""

    OK = 0
    EXPIRED = 1
    DUPLICATE = 2
    INVALID = 3
    UNAUTHORIZED = 4
    PRECONDITION = 5
    NOT_FOUND = 6
    BAD_EVIDENCE = 7


@dataclass(frozen=True)
class Outcome:
    """A sealed transaction: its block, place and receipt."""

    tx_id: bytes
    height: int
    index: int
    receipt: Receipt


@dataclass(frozen=True)
class Transaction:
    """A transaction, and its payload where it is here: signed by us, or read from a node and checked.

    `encoded` are the bytes to submit; two submissions of the same bytes are one transaction.
    """

    id: bytes
    chain_id: bytes
    kind: str
    author_key: bytes
    valid_until: int
    disclosure: Disclosure
    payload: bytes | None
    encoded: bytes

    def message(self) -> Message | None:
        """The payload as the message of its kind; None where it is not here. Raises NotCanonical."""
        kind = kind_of(self.kind)
        return None if self.payload is None or kind is None else decode_as(kind, self.payload)


def sign_transaction(
    key: Key,
    chain: bytes,
    message: Message,
    *,
    valid_until: int,
    disclosure: Disclosure = Disclosure.NOT_A_RECORD,
) -> Transaction:
    """Signs `message` as a transaction for `chain`, valid up to height `valid_until`; its kind is the message's."""
    data, salt = encode(message), random(HASH_SIZE)
    kind = message.DESCRIPTOR.name
    envelope = encode(
        messages.Envelope(
            format=1,
            chain_id=chain,
            kind=kind,
            author_key=key.public,
            payload_hash=tagged_hash("talent/payload/v1", salt + data),
            valid_until=valid_until,
            disclosure=cast(messages.Disclosure, disclosure),
        )
    )
    encoded = encode(
        messages.Transaction(
            envelope=envelope,
            signature=key.sign("talent/sign/tx/v1", chain, envelope),
            payload=messages.Payload(salt=salt, data=data),
        )
    )
    return Transaction(transaction_id(envelope), chain, kind, key.public, valid_until, disclosure, data, encoded)


def read_transaction(encoded: bytes, chain: bytes) -> Transaction:
    """The transaction of canonical bytes; checks signature and payload hash. Raises NotCanonical, ProofRefused."""
    message = decode_as(messages.Transaction, encoded)
    fields = {"envelope": message.envelope, "signature": message.signature}
    envelope = check_envelope(fields)
    check_author(envelope, fields, chain)
    data = None
    if message.HasField("payload") and message.payload.salt:
        check_payload(envelope, {"salt": message.payload.salt, "data": message.payload.data})
        data = message.payload.data
    return Transaction(
        transaction_id(message.envelope),
        chain,
        envelope["kind"],
        envelope["author_key"],
        envelope["valid_until"],
        Disclosure(envelope["disclosure"]),
        data,
        encoded,
    )
