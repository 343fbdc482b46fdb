"""What can go wrong. Everything this package raises on purpose is a `TalentError`.

What a node says is a `NodeError`; its subclass is the reason of the answer's `google.rpc.ErrorInfo`
(docs/protocol.md, "Clients: gRPC").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .transaction import Outcome, Transaction


class TalentError(Exception):
    """Base of all errors of this package."""


class ProofRefused(TalentError):
    """A check that failed: `step` is its name, the same as in `talentd verify`."""

    def __init__(self, step: str, why: object) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step


class NotCanonical(TalentError):
    """Bytes that are not the one encoding their message has."""


class KeyFileError(TalentError):
    """A key file that cannot be read or written: wrong passphrase, damaged, open to others, there already."""


class ReviewError(TalentError):
    """A review that cannot be made or revealed from here."""


class Rejected(TalentError):
    """The chain sealed the transaction without effect. `outcome` says where, and its receipt why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"transaction {outcome.tx_id.hex()} was sealed without effect: {outcome.receipt.name}")
        self.outcome = outcome


class OutcomeUnknown(TalentError):
    """No definite outcome in the time given. Submit `transaction` again, the same bytes, as often as you like."""

    def __init__(self, transaction: Transaction, last: str) -> None:
        super().__init__(f"transaction {transaction.id.hex()} has no outcome yet ({last}); submit the same bytes again")
        self.transaction = transaction


class NodeError(TalentError):
    """A node's refusal."""

    reason: ClassVar[str] = ""

    def __init__(self, message: str, *, reason: str = "", node: str = "", retry_after: float | None = None) -> None:
        self.code = reason or self.reason or "INTERNAL"
        super().__init__(f"{self.code}: {message}")
        self.message = message
        self.node = node
        self.retry_after = retry_after


class InvalidArgument(NodeError):
    """Malformed: it cannot ever be accepted as it is."""

    reason = "INVALID_ARGUMENT"


class TooLarge(NodeError):
    """Over a stated limit of size or count."""

    reason = "TOO_LARGE"


class BadSignature(NodeError):
    """A signature does not verify."""

    reason = "BAD_SIGNATURE"


class WrongChain(NodeError):
    """Meant for another chain."""

    reason = "WRONG_CHAIN"


class Unauthorized(NodeError):
    """The author or client may not do this."""

    reason = "UNAUTHORIZED"


class Unauthenticated(Unauthorized):
    """The bearer token is none of this node's, or has ended."""


class Expired(NodeError):
    """Past its `valid_until`, without having taken effect."""

    reason = "EXPIRED"


class Duplicate(NodeError):
    """Already accepted once."""

    reason = "DUPLICATE"


class NotFound(NodeError):
    """No such thing here."""

    reason = "NOT_FOUND"


class Pruned(NodeError):
    """Dropped on this node to save space, or erased; other nodes may have it."""

    reason = "PRUNED"


class PreconditionFailed(NodeError):
    """Well-formed, but the state of the chain forbids it."""

    reason = "PRECONDITION"


class Exhausted(NodeError):
    """The node is full: the same call may succeed later."""

    reason = "EXHAUSTED"


class Unavailable(NodeError):
    """No answer now; nothing definite is known about the call."""

    reason = "UNAVAILABLE"


class Corruption(NodeError):
    """What the node stores or serves fails its check."""

    reason = "CORRUPTION"


class Diverged(NodeError):
    """The node has halted the chain: a quorum certified something else than it computed. Ask another one."""

    reason = "DIVERGED"


BY_REASON: dict[str, type[NodeError]] = {
    kind.reason: kind
    for kind in (
        InvalidArgument,
        TooLarge,
        BadSignature,
        WrongChain,
        Unauthorized,
        Expired,
        Duplicate,
        NotFound,
        Pruned,
        PreconditionFailed,
        Exhausted,
        Unavailable,
        Corruption,
        Diverged,
    )
}
