"""From submitted to a definite outcome, whatever nodes and networks do meanwhile.

A transaction is submitted again and again as the same bytes; its id takes effect at most once in the life of a chain.
A refusal is definite only where no earlier try can still take effect: after a try of which nothing is known, the chain
is asked, until it has the transaction or has passed its `valid_until`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ._pb.talent.node.v1 import node_service_pb2 as pb
from .errors import (
    Diverged,
    Duplicate,
    Exhausted,
    Expired,
    NodeError,
    NotFound,
    OutcomeUnknown,
    Rejected,
    TalentError,
    Unavailable,
)
from .rpc import Node, error_of
from .transaction import Outcome, Receipt, Transaction

if TYPE_CHECKING:
    from .client import Client

MAX_TOGETHER = 256  # the node's bound on one call
WAIT = 20.0  # seconds that one call waits at most
PAUSE = 0.2
NOT_SENT = "failed to connect"  # gRPC's words for a call that never left
LAG = 2.0  # seconds in which a node may still be behind the one that sealed what a transaction builds on


class _Pursuit:
    """One transaction on its way."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.result: Outcome | TalentError | None = None
        self.in_doubt = False  # a try of it may still take effect
        self.last = "not submitted"


class Submission:
    """Several transactions on their way to definite outcomes."""

    def __init__(self, client: Client, transactions: Sequence[Transaction], deadline: float) -> None:
        self._client = client
        self._all = [_Pursuit(transaction) for transaction in transactions]
        self._deadline = deadline
        self._lag_until = time.monotonic() + LAG
        self._most_bytes = int(client.genesis.fields["consensus"]["max_transaction_bytes"])

    def run(self) -> list[Outcome | TalentError]:
        """One result for each, in order."""
        while open_ := [p for p in self._all if p.result is None]:
            for chunk in self._chunks(open_):
                self._try(chunk)
            if time.monotonic() >= self._deadline:
                break
            if any(p.result is None for p in self._all):
                time.sleep(PAUSE)
        return [p.result or OutcomeUnknown(p.transaction, p.last) for p in self._all]

    def _chunks(self, pursuits: list[_Pursuit]) -> Iterator[list[_Pursuit]]:
        """What goes into one call: together no larger than one may be; what is too large goes alone, to be refused."""
        chunk: list[_Pursuit] = []
        size = 0
        for pursuit in pursuits:
            more = len(pursuit.transaction.encoded) + 8  # its tag and length
            if chunk and (len(chunk) == MAX_TOGETHER or size + more > self._most_bytes):
                yield chunk
                chunk, size = [], 0
            chunk.append(pursuit)
            size += more
        yield chunk

    def _try(self, chunk: list[_Pursuit]) -> None:
        left = self._deadline - time.monotonic()
        request = pb.SubmitAllAndWaitRequest(
            chain_id=self._client.chain_id, transactions=[p.transaction.encoded for p in chunk]
        )
        asked: list[Node] = []

        def ask(node: Node, timeout: float) -> pb.SubmitAllAndWaitResponse:
            asked.append(node)
            try:
                return node.call("Ledger/SubmitAllAndWait", request, pb.SubmitAllAndWaitResponse, min(timeout, WAIT))
            except (Unavailable, Diverged) as error:
                for pursuit in chunk:
                    pursuit.in_doubt = pursuit.in_doubt or NOT_SENT not in error.message
                raise

        try:
            response = self._client._on_some_node(ask, max(min(left, WAIT), 0.5))
        except NodeError as error:
            for pursuit in chunk:
                self._refused(pursuit, error)
            return
        if len(response.results) != len(chunk):
            self._client._leave(asked[-1])
            return
        for pursuit, result in zip(chunk, response.results, strict=True):
            if result.HasField("refused"):
                self._refused(pursuit, error_of(result.refused, "", asked[-1].address))
            else:
                self._stands(pursuit, result.state)

    def _stands(self, pursuit: _Pursuit, state: pb.TransactionState) -> None:
        tx_id = pursuit.transaction.id
        if state.status in (pb.TRANSACTION_STATUS_SEALED, pb.TRANSACTION_STATUS_REJECTED):
            outcome = Outcome(tx_id, state.height, state.index, Receipt(state.receipt))
            pursuit.result = outcome if outcome.receipt == Receipt.OK else Rejected(outcome)
            self._client._saw(state.height)
        elif state.status == pb.TRANSACTION_STATUS_EXPIRED:
            pursuit.result = self._expired(pursuit)
        else:
            pursuit.in_doubt = True
            pursuit.last = "pending"

    def _refused(self, pursuit: _Pursuit, error: NodeError) -> None:
        pursuit.last = str(error)
        if isinstance(error, Unavailable | Exhausted | Diverged):
            return
        if isinstance(error, NotFound) and time.monotonic() < min(self._lag_until, self._deadline):
            return
        if pursuit.in_doubt or isinstance(error, Duplicate | Expired):
            self._look_up(pursuit, error)
        else:
            pursuit.result = error

    def _look_up(self, pursuit: _Pursuit, refusal: NodeError) -> None:
        """What the chain says of it, now that no submission will."""
        try:
            found = self._client.transaction(pursuit.transaction.id)
        except NodeError as error:
            pursuit.last = str(error)
            return
        if found.outcome is not None:
            pursuit.result = found.outcome if found.outcome.receipt == Receipt.OK else Rejected(found.outcome)
        elif not found.pending and found.as_of_height >= pursuit.transaction.valid_until:
            pursuit.result = self._expired(pursuit) if isinstance(refusal, Expired) else refusal

    @staticmethod
    def _expired(pursuit: _Pursuit) -> Expired:
        transaction = pursuit.transaction
        return Expired(f"transaction {transaction.id.hex()} was not sealed by height {transaction.valid_until}")
