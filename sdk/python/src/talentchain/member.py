"""A member's work on the consortium: read what is released, review by commit and reveal, dispute, see one's points."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message
from nacl.utils import random

from . import messages
from .client import Client
from .crypto import HASH_SIZE, sha256, tagged_hash
from .encoding import decode_as, encode, kind_of
from .errors import NodeError, NotFound, OutcomeUnknown, PreconditionFailed, Rejected, ReviewError, TalentError
from .keys import write_private
from .light import SIGNED, check_author, check_envelope, check_payload, read, transaction_id
from .transaction import Outcome, Receipt, Transaction, read_transaction

IN_REVIEW = messages.RECORD_STATUS_IN_REVIEW
# How long a node may take to see that the commits have closed, after our own clock says so.
CLOCK_SECONDS = 30.0

REASONS = {
    messages.POINTS_REASON_CONFIRMATION_STANDS: "a confirmation that stands (waits until a dispute of yours is upheld)",
    messages.POINTS_REASON_DISPUTE_UPHELD: "a dispute that was upheld",
    messages.POINTS_REASON_CONFIRMED_WRONG: "a confirmation against a dispute that was upheld",
    messages.POINTS_REASON_DISPUTE_FALSE: "a dispute that was found false",
    messages.POINTS_REASON_NOT_REVEALED: "a commitment that was not revealed",
    messages.POINTS_REASON_CENTRE_SILENT: "a centre that did not answer in time",
    messages.POINTS_REASON_CONFIRMATIONS_PAID: "waiting confirmations, paid out with a dispute that was upheld",
    messages.POINTS_REASON_ARBITRATION_LOST: "an arbitration that was opened, and lost or not decided",
}


@dataclass(frozen=True)
class PromotedRecord:
    """A record on the consortium. `content` is None while it is not released to you, is erased, or never left."""

    id: bytes
    state: messages.ConsortiumRecord
    content: Message | None

    @property
    def status(self) -> str:
        """IN_REVIEW, VERIFIED, DISPUTED, …"""
        return messages.RecordStatus.Name(self.state.status).removeprefix("RECORD_STATUS_")


@dataclass(frozen=True)
class PointsLine:
    """One line of a member's account: why, for which record and review, and what it changed."""

    number: int
    delta: int
    waiting: int
    balance: int
    reason: str
    record_id: bytes
    review: bytes
    time_ms: int
    policy_version: int


@dataclass(frozen=True)
class Points:
    """A member's account. `balance` is that of the last booking; it halves with time (docs/domain.md)."""

    balance: int
    waiting: int
    lines: list[PointsLine]


def confirm(field: str = "*") -> messages.FieldReview:
    """The field holds ("*": all of it)."""
    return messages.FieldReview(field=field, verdict=messages.FIELD_VERDICT_CONFIRM)


def dispute(field: str, *, proposed: bytes, evidence: bytes) -> messages.FieldReview:
    """The field does not hold: `proposed` is the value it should have, `evidence` what that rests on.

    Only their SHA-256 goes onto the chain. Keep both: the centre will ask.
    """
    return messages.FieldReview(
        field=field,
        verdict=messages.FIELD_VERDICT_DISPUTE,
        proposed_value_hash=sha256(proposed),
        evidence_hash=sha256(evidence),
    )


class Member:
    """A party at work on a consortium chain. `client` is logged in with its key.

    `reveals` is a folder in which the secret behind each commitment is kept until it is revealed. A commitment that is
    not revealed costs points: keep the folder, and do not share it.
    """

    def __init__(self, client: Client, reveals: str | Path) -> None:
        self.client = client
        self.party = client.party()
        self._folder = Path(reveals)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    # --- Records -----------------------------------------------------------------------------------------------------

    def records(self, status: int = IN_REVIEW) -> Iterator[tuple[bytes, messages.ConsortiumRecord]]:
        """Ids and states of the records that have a status; by default those in review."""
        for record_id, entry in self.client.scan(b"rec/", messages.ConsortiumRecord):
            if entry.status == status:
                yield record_id, entry

    def record(self, record_id: bytes) -> PromotedRecord:
        """A record, with its content, as its author signed it, where that is released to you. Raises NotFound."""
        entry = self._entry(record_id)
        content = None
        if entry.promotion_tx and not entry.erased_by:
            promotion = self.client.transaction(entry.promotion_tx).transaction
            message = promotion.message() if promotion is not None else None
            if isinstance(message, messages.RecordPromoted):
                content = _content(record_id, message)
        return PromotedRecord(record_id, entry, content)

    # --- Reviews -----------------------------------------------------------------------------------------------------

    def commit(self, record_id: bytes, *fields: messages.FieldReview) -> Outcome:
        """Commits to a verdict that nobody can read yet: `confirm()` and `dispute()` of its fields.

        The secret is on the disk before the commitment leaves. Called again after a crash, or after OutcomeUnknown,
        with any verdict, it goes on with the one that is on the disk.
        """
        secret = self._read(record_id) or self._new_secret(record_id, messages.ReviewVerdict(fields=fields))
        try:
            return self.client.submit_and_wait(secret.commit)
        except OutcomeUnknown:
            raise
        except (NodeError, Rejected):
            if self._committed(secret) is None:
                self._file(record_id).unlink(missing_ok=True)  # it will never be: there is nothing to reveal
            raise

    def reveal(self, record_id: bytes, *, wait: bool = True, timeout: float = 120.0) -> Outcome:
        """Reveals the verdict once the commits have closed, for which it waits, or not.

        Raises ReviewError: nothing to reveal, too late, or not yet (without `wait`).
        """
        secret = self._read(record_id)
        if secret is None:
            raise ReviewError(f"no verdict on record {record_id.hex()} is kept in {self._folder}")
        entry = self._entry(record_id)
        review = self._committed(secret)
        if review is None:
            raise ReviewError(f"the chain has no such commitment to record {record_id.hex()}: commit first")
        if review.reveal_tx:
            self._file(record_id).unlink(missing_ok=True)
            return self._known(review.reveal_tx)
        if entry.status != IN_REVIEW:
            self._file(record_id).unlink(missing_ok=True)
            raise ReviewError(f"the review of record {record_id.hex()} has ended without this verdict")
        message = messages.ReviewRevealed(record_id=record_id, verdict=secret.opening.verdict, salt=secret.opening.salt)
        early = entry.commits_close_ms / 1000 - time.time()
        if early > 0 and not wait:
            raise ReviewError(f"commits to record {record_id.hex()} are open for {early:.0f} s more")
        time.sleep(max(0.0, early))
        patience = time.monotonic() + CLOCK_SECONDS
        while True:
            try:
                outcome = self.client.submit_and_wait(self.client.sign(message), timeout=timeout)
                self._file(record_id).unlink(missing_ok=True)
                return outcome
            except PreconditionFailed:
                too_late = time.time() * 1000 > entry.reveals_close_ms
                if too_late or time.monotonic() > patience:
                    raise
                time.sleep(0.5)

    def unrevealed(self) -> list[bytes]:
        """Ids of the records whose verdict is on the disk and has to be revealed."""
        mine = []
        for path in sorted(self._folder.glob("*.reveal")):
            record_id = bytes.fromhex(path.stem)
            secret = self._read(record_id)
            if secret is not None and secret.opening.chain_id == self.client.chain_id:
                mine.append(record_id)
        return mine

    def open_arbitration(self, record_id: bytes) -> Outcome:
        """Has the other centres decide, after the centre refused or kept silent. Costs points where it is lost."""
        return self.client.submit_and_wait(self.client.sign(messages.ArbitrationOpened(record_id=record_id)))

    # --- Points ------------------------------------------------------------------------------------------------------

    def points(self) -> Points:
        """The account, with every line: why do I have these points?"""
        standing = self.client.state(b"standing/" + self.party.encode(), messages.Standing) or messages.Standing()
        prefix = b"points/" + self.party.encode() + b"/"
        lines = [
            PointsLine(
                number=int.from_bytes(number, "big"),
                delta=entry.delta,
                waiting=entry.waiting,
                balance=entry.balance,
                reason=REASONS.get(entry.reason, str(entry.reason)),
                record_id=entry.record_id,
                review=entry.review,
                time_ms=entry.time_ms,
                policy_version=entry.policy_version,
            )
            for number, entry in self.client.scan(prefix, messages.PointsEntry)
        ]
        return Points(standing.points, standing.waiting, lines)

    # --- Inside ------------------------------------------------------------------------------------------------------

    def _entry(self, record_id: bytes) -> messages.ConsortiumRecord:
        entry = self.client.state(b"rec/" + record_id, messages.ConsortiumRecord)
        if entry is None:
            raise NotFound(f"record {record_id.hex()} is not on chain {self.client.genesis.name}")
        return entry

    def _committed(self, secret: _Secret) -> messages.Review | None:
        """The chain's entry of this very commitment."""
        key = b"review/" + secret.opening.record_id + self.party.encode()
        review = self.client.state(key, messages.Review)
        commitment = tagged_hash("talent/review-commit/v1", encode(secret.opening))
        return review if review is not None and review.commitment == commitment else None

    def _known(self, tx_id: bytes) -> Outcome:
        return self.client.transaction(tx_id).outcome or Outcome(tx_id, 0, 0, Receipt.OK)

    def _file(self, record_id: bytes) -> Path:
        return self._folder / f"{record_id.hex()}.reveal"

    def _new_secret(self, record_id: bytes, verdict: messages.ReviewVerdict) -> _Secret:
        if not verdict.fields:
            raise ReviewError("a verdict is about one field at least: confirm(), dispute(…)")
        opening = messages.ReviewOpening(
            chain_id=self.client.chain_id,
            record_id=record_id,
            member=self.party,
            verdict=verdict,
            salt=random(HASH_SIZE),
        )
        commitment = tagged_hash("talent/review-commit/v1", encode(opening))
        message = messages.ReviewCommitted(record_id=record_id, commitment=commitment)
        commit = self.client.sign(message)
        fields = {"format": 1, "opening": encode(opening).hex(), "commit": commit.encoded.hex()}
        try:
            write_private(self._file(record_id), (json.dumps(fields, indent=2) + "\n").encode(), replace=False)
        except FileExistsError:
            raise ReviewError(f"another process is reviewing record {record_id.hex()} from this folder") from None
        return _Secret(opening, commit)

    def _read(self, record_id: bytes) -> _Secret | None:
        path = self._file(record_id)
        try:
            fields = json.loads(path.read_text())
            opening = decode_as(messages.ReviewOpening, bytes.fromhex(fields["opening"]))
            commit = read_transaction(bytes.fromhex(fields["commit"]), opening.chain_id)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, TalentError) as error:
            raise ReviewError(f"{path} is damaged: {error}") from None
        return _Secret(opening, commit)


@dataclass(frozen=True)
class _Secret:
    opening: messages.ReviewOpening
    commit: Transaction


def _content(record_id: bytes, promotion: messages.RecordPromoted) -> Message | None:
    """What the record says, checked as its author signed it."""
    record = read(SIGNED, encode(promotion.record), "record")
    envelope = check_envelope(record, "record")
    check_author(envelope, record, promotion.source_chain, "record")
    if transaction_id(record["envelope"]) != record_id:
        raise ReviewError("the promotion is of another record")
    kind = kind_of(envelope["kind"])
    if not promotion.HasField("payload") or kind is None:
        return None
    check_payload(envelope, {"salt": promotion.payload.salt, "data": promotion.payload.data}, "record")
    return decode_as(kind, promotion.payload.data)
