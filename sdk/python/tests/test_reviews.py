"""What a member keeps on its disk, and for how long: a chain that is played."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from talentchain import Client, Key, Member, Outcome, Receipt, Transaction, confirm, messages
from talentchain.crypto import tagged_hash
from talentchain.encoding import encode
from talentchain.errors import Duplicate, Expired, OutcomeUnknown, Rejected, ReviewError, TalentError
from talentchain.transaction import sign_transaction

CHAIN = b"c" * 32
RECORD = b"r" * 32


class Played:
    """A client of a chain that answers submissions with `answers`, and keeps what took effect."""

    def __init__(self, *answers: TalentError | None) -> None:
        self.chain_id = CHAIN
        self.answers = list(answers)
        self.key = Key.generate()
        self.got: list[Transaction] = []
        self.files_when_submitted: list[list[str]] = []
        self.folder = Path()
        self.review: messages.Review | None = None
        now = int(time.time() * 1000)
        self.entry = messages.ConsortiumRecord(
            status=messages.RECORD_STATUS_IN_REVIEW, commits_close_ms=now - 1, reveals_close_ms=now + 60_000
        )

    def party(self) -> str:
        return "acme"

    def state(self, key: bytes, kind: type[Message], **_: Any) -> Message | None:
        return self.entry if key.startswith(b"rec/") else self.review

    def sign(self, message: Message) -> Transaction:
        return sign_transaction(self.key, CHAIN, message, valid_until=99)

    def transaction(self, tx_id: bytes) -> Any:
        raise AssertionError("not asked for")

    def submit_and_wait(self, transaction: Transaction, **_: Any) -> Outcome:
        self.got.append(transaction)
        self.files_when_submitted.append(sorted(os.listdir(self.folder)))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        message = transaction.message()
        if isinstance(message, messages.ReviewCommitted):
            self.review = messages.Review(commitment=message.commitment)
        elif isinstance(message, messages.ReviewRevealed):
            assert self.review is not None
            opening = messages.ReviewOpening(
                chain_id=CHAIN, record_id=RECORD, member="acme", verdict=message.verdict, salt=message.salt
            )
            assert tagged_hash("talent/review-commit/v1", encode(opening)) == self.review.commitment
            self.review.reveal_tx = transaction.id
        return Outcome(transaction.id, 1, 0, Receipt.OK)


def member_of(client: Played, folder: Path) -> Member:
    client.folder = folder
    return Member(cast(Client, client), folder)


def secret(folder: Path) -> Path:
    return folder / f"{RECORD.hex()}.reveal"


def test_the_secret_is_on_the_disk_before_the_commitment_leaves_and_until_it_is_revealed(tmp_path: Path) -> None:
    client = Played()
    member = member_of(client, tmp_path)
    member.commit(RECORD, confirm("plan.hours"))
    assert client.files_when_submitted == [[secret(tmp_path).name]]
    assert stat.S_IMODE(secret(tmp_path).stat().st_mode) == 0o600
    assert member_of(client, tmp_path).unrevealed() == [RECORD]
    member_of(client, tmp_path).reveal(RECORD)
    assert not secret(tmp_path).exists()
    assert client.review is not None
    assert client.review.reveal_tx


def test_a_commitment_of_which_nothing_is_known_goes_out_again_as_it_was(tmp_path: Path) -> None:
    client = Played()
    unknown = OutcomeUnknown(client.sign(messages.ReviewCommitted()), "lost")
    client.answers = [unknown]
    with pytest.raises(OutcomeUnknown):
        member_of(client, tmp_path).commit(RECORD, confirm("a"))
    member_of(client, tmp_path).commit(RECORD, confirm("b"))
    assert client.got[0].encoded == client.got[1].encoded


@pytest.mark.parametrize("refusal", [Duplicate("reviewed before"), Expired("late")])
def test_a_commitment_that_will_never_be_leaves_nothing_behind(tmp_path: Path, refusal: TalentError) -> None:
    with pytest.raises(type(refusal)):
        member_of(Played(refusal), tmp_path).commit(RECORD, confirm())
    assert os.listdir(tmp_path) == []


def test_a_commitment_that_was_sealed_is_kept_whatever_the_second_try_brings(tmp_path: Path) -> None:
    client = Played()
    member = member_of(client, tmp_path)
    member.commit(RECORD, confirm())
    client.answers = [Rejected(Outcome(bytes(32), 2, 0, Receipt.DUPLICATE))]
    with pytest.raises(Rejected):
        member.commit(RECORD, confirm())
    assert member.unrevealed() == [RECORD]


def test_reveals_neither_too_early_nor_what_is_not_committed_nor_when_it_is_over(tmp_path: Path) -> None:
    client = Played()
    member = member_of(client, tmp_path)
    with pytest.raises(ReviewError, match="no verdict"):
        member.reveal(RECORD)
    client.entry.commits_close_ms += 60_000
    member.commit(RECORD, confirm())
    with pytest.raises(ReviewError, match="open for"):
        member.reveal(RECORD, wait=False)
    review, client.review = client.review, messages.Review(commitment=b"another's")
    with pytest.raises(ReviewError, match="no such commitment"):
        member.reveal(RECORD)
    assert secret(tmp_path).exists()
    client.review, client.entry.status = review, messages.RECORD_STATUS_UNVERIFIED
    with pytest.raises(ReviewError, match="has ended"):
        member.reveal(RECORD)
    assert member.unrevealed() == []
    assert len(client.got) == 1


def test_a_damaged_secret_is_said_to_be_one_and_not_replaced(tmp_path: Path) -> None:
    client = Played()
    member = member_of(client, tmp_path)
    member.commit(RECORD, confirm())
    text = secret(tmp_path).read_text()
    for bad in ("", "{}", "[]", text.replace('"opening": "0a', '"opening": "0b'), text[: len(text) // 2]):
        secret(tmp_path).write_text(bad)
        with pytest.raises(ReviewError, match="damaged"):
            member.commit(RECORD, confirm())
    assert len(client.got) == 1


def test_a_verdict_says_something(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="one field"):
        member_of(Played(), tmp_path).commit(RECORD)
