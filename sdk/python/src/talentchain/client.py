"""A chain as its nodes offer it: submit, read, prove, follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from . import messages
from ._pb.talent.node.v1 import node_service_pb2 as pb
from .encoding import decode_as, encode
from .errors import (
    Diverged,
    Exhausted,
    NotFound,
    ProofRefused,
    Pruned,
    TalentError,
    Unauthenticated,
    Unavailable,
)
from .genesis import Genesis, ValidatorSet
from .keys import Key
from .light import CERTIFIED, STATEMENT, check_header, check_statement, next_sets, read
from .proof import Proof
from .rpc import Endpoint, Node
from .submission import Submission
from .transaction import Disclosure, Outcome, Receipt, Transaction, read_transaction, sign_transaction

if TYPE_CHECKING:
    from .follower import Follower

M = TypeVar("M", bound=Message)
T = TypeVar("T")
R = TypeVar("R", bound=Message)

PAUSE = 0.2  # seconds before a call is made again, where the node does not say how long
MAX_PAUSE = 5.0
VALID_FOR = 1000  # heights; at some blocks a second, minutes


class _Behind(Unavailable):
    """The node has not come to what this client has seen."""


@dataclass(frozen=True)
class Found:
    """A transaction as a node has it; `outcome` is None while it is not sealed."""

    outcome: Outcome | None
    pending: bool
    transaction: Transaction | None
    erased: bool
    as_of_height: int


class Client:
    """One chain, through any of several nodes. Thread-safe.

    `genesis` is what is trusted; `endpoints` are asked in turn: where one does not answer, is halted, or does not host
    the chain, the next one is. With a `key` that the chain registers, the client logs in by itself. Within one client
    reads never go back: what one call has seen, a later one sees too. Errors are those of `talentchain.errors`;
    `timeout` is for one call, all nodes and tries together, in seconds.
    """

    def __init__(
        self, genesis: Genesis, endpoints: Sequence[Endpoint], key: Key | None = None, *, timeout: float = 20.0
    ) -> None:
        if not endpoints:
            raise ValueError("a client needs at least one endpoint")
        self.genesis = genesis
        self.chain_id = genesis.chain_id
        self.key = key
        self.timeout = timeout
        self._nodes = [Node(endpoint) for endpoint in endpoints]
        self._lock = threading.Lock()
        # Guarded by _lock.
        self._at = 0
        self._checked: set[str] = set()
        self._seen = 0
        self._sets = [genesis.validators]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        for node in self._nodes:
            node.close()

    # --- Reading -----------------------------------------------------------------------------------------------------

    def status(self) -> pb.ChainState:
        """Where the chain stands on the node in use."""
        return self._on_some_node(self._status, self.timeout)

    def height(self) -> int:
        """Of the last sealed block."""
        return self.status().height

    def transaction(self, tx_id: bytes) -> Found:
        """A transaction and what became of it; with its payload where you may read that and it is not erased."""
        request = pb.GetTransactionRequest(chain_id=self.chain_id, tx_id=tx_id)
        answer = self._read("Ledger/GetTransaction", request, pb.GetTransactionResponse, lambda a: a.as_of_height)
        found = read_transaction(encode(answer.transaction), self.chain_id) if answer.transaction.envelope else None
        if found is not None and found.id != tx_id:
            raise ProofRefused("transaction", "the node answered with another transaction")
        return Found(
            outcome_of(tx_id, answer.state),
            answer.state.status == pb.TRANSACTION_STATUS_PENDING,
            found,
            answer.HasField("erased"),
            answer.as_of_height,
        )

    def state(self, key: bytes, kind: type[M], *, prove: bool = True) -> M | None:
        """The state entry under `key` as a message; None where there is none.

        With `prove`, under a certified header, checked from the genesis file; without, as the node says.
        """
        request = pb.GetStateRequest(chain_id=self.chain_id, key=key, prove=prove)
        answer = self._read("Ledger/GetState", request, pb.GetStateResponse, lambda a: a.as_of_height)
        present, value = answer.present, answer.value
        if prove:
            statement = read(STATEMENT, encode(answer.statement), "state")
            epoch = ((statement["header"] or {}).get("certificate") or {"epoch": 0})["epoch"]
            about, proven = check_statement(self.chain_id, self.validator_sets(epoch), statement, "state")
            if proven["key"] != key:
                raise ProofRefused("state", "the node proved another entry")
            if about["height"] != answer.as_of_height:
                raise ProofRefused("state", "the node proved it as of another height than it says")
            present, value = proven["present"], proven["value"]
        return decode_as(kind, value) if present else None

    def scan(self, prefix: bytes, kind: type[M]) -> Iterator[tuple[bytes, M]]:
        """State entries whose keys begin with `prefix`, as (rest of the key, message), in order; as the node says."""
        start = b""
        while True:
            request = pb.ScanStateRequest(chain_id=self.chain_id, prefix=prefix, limit=1000)
            setattr(request, "from", start)
            page = self._read("Ledger/ScanState", request, pb.ScanStateResponse, lambda a: a.as_of_height)
            for entry in page.entries:
                yield entry.key[len(prefix) :], decode_as(kind, entry.value)
            start = page.next_key
            if not start:
                return

    def proof(self, tx_id: bytes) -> Proof:
        """A proof of a transaction, checked. On a public chain also by the id of a record published there, on a
        consortium by that of a record promoted there. `proof.data` can be kept, and checked by anybody offline."""
        request = pb.GetProofRequest(chain_id=self.chain_id, tx_id=tx_id)
        answer = self._read("Ledger/GetProof", request, pb.GetProofResponse, lambda a: 0)
        return Proof.verify(encode(answer.proof), self.genesis)

    def follow(self, from_height: int = 1, *, until: int | None = None) -> Follower:
        """Sealed blocks in order, each checked; goes on for ever, or through height `until`."""
        from .follower import Follower

        return Follower(self, from_height, until=until)

    def party(self) -> str:
        """The id of the party that the key signs for. Raises NotFound: it is none's."""
        key = self._require_key()
        owner = self.state(b"key/" + key.public, messages.KeyOwner, prove=False)  # there may be no block yet
        if owner is None or not owner.party:
            raise NotFound(f"key {key.public.hex()} is no party's on chain {self.genesis.name}")
        return owner.party

    # --- Writing -----------------------------------------------------------------------------------------------------

    def sign(
        self, message: Message, *, disclosure: Disclosure = Disclosure.NOT_A_RECORD, valid_for: int = VALID_FOR
    ) -> Transaction:
        """Signs `message` as a transaction that may take effect within the next `valid_for` blocks.

        Keep what it returns until its outcome is known: submitting the same bytes again is always safe.
        """
        return sign_transaction(
            self._require_key(),
            self.chain_id,
            message,
            valid_until=self.height() + valid_for,
            disclosure=disclosure,
        )

    def submit(self, transaction: Transaction) -> bytes:
        """Hands a transaction in, without waiting; returns its id. Raises Duplicate where it is sealed already."""
        request = pb.SubmitRequest(chain_id=self.chain_id, transaction=transaction.encoded)
        return self._on_some_node(
            lambda node, wait: node.call("Ledger/Submit", request, pb.SubmitResponse, wait), self.timeout
        ).tx_id

    def submit_and_wait(self, transaction: Transaction, *, timeout: float = 120.0) -> Outcome:
        """Submits until the outcome is definite, at whatever node answers, always the same bytes.

        Returns where it was sealed. Raises Rejected (sealed without effect), Expired, the node's refusal
        (Unauthorized, PreconditionFailed, …), or, after `timeout` seconds, OutcomeUnknown: then call it again.
        """
        result = self.submit_all([transaction], timeout=timeout)[0]
        if isinstance(result, TalentError):
            raise result
        return result

    def submit_all(self, transactions: Sequence[Transaction], *, timeout: float = 120.0) -> list[Outcome | TalentError]:
        """As `submit_and_wait` for many, in one call for up to 256; one result for each, in their order.

        They may be sealed in any order. Where all have to succeed, look at every result.
        """
        return Submission(self, transactions, time.monotonic() + timeout).run()

    # --- For the modules of this package -----------------------------------------------------------------------------

    def _on_some_node(self, ask: Callable[[Node, float], T], timeout: float) -> T:
        """Calls `ask` with a node and seconds, with the next one where that fails, until `timeout` has passed."""
        deadline = time.monotonic() + timeout
        pause, tries = PAUSE, 0
        while True:
            node = self._current()
            left = deadline - time.monotonic()
            try:
                self._check_hosted(node, max(left, 0.1))
                return ask(node, max(left, 0.1) if len(self._nodes) == 1 else max(min(left, timeout / 2), 0.1))
            except (Unavailable, Exhausted, Diverged, Pruned) as error:
                tries += 1
                every = tries >= len(self._nodes)
                if (every and isinstance(error, Diverged | Pruned)) or time.monotonic() + pause >= deadline:
                    raise
                self._leave(node)
                if every:
                    time.sleep(min(max(pause, error.retry_after or 0), max(deadline - time.monotonic(), 0)))
                    pause = min(2 * pause, MAX_PAUSE)

    def _with_token(self, node: Node, timeout: float, ask: Callable[[str | None], T]) -> T:
        """Calls `ask` with the node's token, with a new one where that has ended."""
        if self.key is None:
            return ask(None)
        try:
            return ask(node.token(self.chain_id, self.key, timeout))
        except Unauthenticated:
            node.forget_token(self.chain_id, self.key)
            return ask(node.token(self.chain_id, self.key, timeout))

    @property
    def _node_count(self) -> int:
        """How many nodes there are to ask."""
        return len(self._nodes)

    def _leave(self, node: Node) -> None:
        """The next node is used from now on, unless another thread has moved on already."""
        with self._lock:
            if self._nodes[self._at] is node:
                self._at = (self._at + 1) % len(self._nodes)

    def _saw(self, height: int) -> None:
        """Later reads are at this height or above."""
        with self._lock:
            self._seen = max(self._seen, height)

    def validator_sets(self, epoch: int) -> list[ValidatorSet]:
        """The validator sets up to `epoch`, each proven by the last header of the epoch before."""
        with self._lock:
            sets = list(self._sets)
        while len(sets) <= epoch:
            number = len(sets) - 1
            entry = self._ended_epoch(number)
            block = self._block(entry.last_height)
            certified = read(CERTIFIED, _certified(block), f"epoch {number + 1}")
            header, _ = check_header(self.chain_id, sets[-1], certified, f"epoch {number + 1}")
            validators = [
                {"name": v.name, "vote_key": v.vote_key, "node_key": v.node_key} for v in entry.next_validators
            ]
            sets = next_sets(sets, header, validators, f"epoch {number + 1}")
        with self._lock:
            if len(sets) > len(self._sets):
                self._sets = sets
        return sets

    def _ended_epoch(self, number: int) -> messages.EpochEntry:
        # Not proven: the hash in the header that ended the epoch says whether it is true.
        entry = self.state(b"epoch/" + number.to_bytes(8, "big"), messages.EpochEntry, prove=False)
        if entry is None:
            raise ProofRefused("epochs", f"the node does not say how epoch {number} ended")
        return entry

    def _block(self, height: int) -> messages.Block:
        request = pb.GetBlockRequest(chain_id=self.chain_id, height=height)
        return self._read("Ledger/GetBlock", request, pb.GetBlockResponse, lambda a: 0).block.block

    def _read(self, method: str, request: Message, answer: type[R], as_of: Callable[[R], int]) -> R:
        """A read, by a node that is not behind what this client has seen."""

        def ask(node: Node, timeout: float) -> R:
            response, stale = self._with_token(
                node, timeout, lambda token: node.call_fresh(method, request, answer, timeout, token)
            )
            height = as_of(response)
            behind = 0 < height < self._seen
            if behind:
                raise _Behind("the node is behind what was read before", node=node.address)
            if stale and len(self._nodes) > 1:
                raise Unavailable("the chain is halted there", node=node.address)
            self._saw(height)
            return response

        try:
            return self._on_some_node(ask, self.timeout)
        except _Behind:
            # All of them for so long: a node said a height that there never was. The next read starts afresh.
            with self._lock:
                self._seen = 0
            raise

    def _status(self, node: Node, timeout: float) -> pb.ChainState:
        status = node.call("Node/GetStatus", pb.GetStatusRequest(), pb.GetStatusResponse, timeout)
        for chain in status.chains:
            if chain.chain_id == self.chain_id:
                return chain
        raise Unavailable(f"chain {self.genesis.name} is not hosted there", node=node.address)

    def _check_hosted(self, node: Node, timeout: float) -> None:
        with self._lock:
            if node.address in self._checked:
                return
        if self._status(node, timeout).halted:
            raise Unavailable(f"chain {self.genesis.name} is halted there", node=node.address)
        with self._lock:
            self._checked.add(node.address)

    def _current(self) -> Node:
        with self._lock:
            return self._nodes[self._at]

    def _require_key(self) -> Key:
        if self.key is None:
            raise ValueError("this client has no key: give it one to sign or to log in with")
        return self.key


def outcome_of(tx_id: bytes, state: pb.TransactionState) -> Outcome | None:
    """None while it is not sealed."""
    if state.status not in (pb.TRANSACTION_STATUS_SEALED, pb.TRANSACTION_STATUS_REJECTED):
        return None
    return Outcome(tx_id, state.height, state.index, Receipt(state.receipt))


def _certified(block: messages.Block) -> bytes:
    return encode(messages.CertifiedHeader(header=block.header, certificate=block.certificate))
