"""Following a chain: every sealed block once, in order, checked, across lost connections and nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from . import messages
from ._pb.talent.node.v1 import node_service_pb2 as pb
from .crypto import merkle_root
from .encoding import decode_as, encode, kind_of
from .errors import Exhausted, NodeError, ProofRefused, Pruned, Unauthenticated, Unavailable
from .genesis import require
from .light import BLOCK, check_envelope, check_header, check_payload, read, transaction_id
from .rpc import Stream
from .transaction import Disclosure

if TYPE_CHECKING:
    from .client import Client
    from .rpc import Node

STREAM_SECONDS = 600.0  # then the stream is opened anew, at a node that answers
PAUSE = 0.5
MAX_PAUSE = 10.0


@dataclass(frozen=True)
class BlockTransaction:
    """A transaction as it stands in a block. Whether it took effect says `Client.transaction(id).outcome`.

    `payload` is None where you may not read it (yet) or it was erased.
    """

    id: bytes
    kind: str
    author_key: bytes
    disclosure: Disclosure
    payload: bytes | None
    erased: bool

    def message(self) -> Message | None:
        """The payload as the message of its kind; None where it is not here."""
        kind = kind_of(self.kind)
        return None if self.payload is None or kind is None else decode_as(kind, self.payload)


@dataclass(frozen=True)
class Block:
    """A sealed block."""

    height: int
    hash: bytes
    time_ms: int
    transactions: tuple[BlockTransaction, ...]


class Follower:
    """Iterates over sealed blocks. Made by `Client.follow`.

    Each block is checked: sealed by a quorum of the validators of its epoch, built on the block before, holding the
    transactions its header counts, and payloads as signed. Where a node goes away, the next one is asked from the last
    height on, for ever: `close()`, from any thread, ends it. To resume later, keep `next_height` and follow from there.
    """

    def __init__(self, client: Client, from_height: int, *, until: int | None = None) -> None:
        self.next_height = max(from_height, 1)
        self._client = client
        self._until = until
        self._previous: bytes | None = client.chain_id if self.next_height == 1 else None
        self._validators: bytes | None = None  # hash of the set that seals the next block
        self._closed = threading.Event()
        self._stream: Stream | None = None
        self._node: Node | None = None

    def close(self) -> None:
        """Ends the iteration, also one that waits for a block."""
        self._closed.set()
        if self._stream is not None:
            self._stream.cancel()

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Block]:
        pause, refused = PAUSE, 0
        while not self._done():
            came = False
            try:
                for response in self._open():
                    block = self._check(response)
                    pause, came, refused = PAUSE, True, 0
                    yield block
                    if self._done():
                        return
            except (Unavailable, Exhausted, Unauthenticated):
                pass  # the next one, from where we are
            except (Pruned, ProofRefused):
                refused += 1
                if refused >= self._client._node_count:
                    raise  # no node has better
                self._leave()
            if not came and not self._done():
                self._closed.wait(pause)
                pause = min(2 * pause, MAX_PAUSE)

    def _done(self) -> bool:
        return self._closed.is_set() or (self._until is not None and self.next_height > self._until)

    def _open(self) -> Iterator[pb.StreamBlocksResponse]:
        client = self._client

        def start(node: Node, timeout: float) -> Stream:
            self._node = node
            token = None if client.key is None else node.token(client.chain_id, client.key, timeout)
            return node.stream_blocks(client.chain_id, self.next_height, STREAM_SECONDS, token)

        stream = client._on_some_node(start, client.timeout)
        self._stream = stream
        try:
            yield from stream
        except NodeError as error:
            if isinstance(error, Unauthenticated) and client.key is not None and self._node is not None:
                self._node.forget_token(client.chain_id, client.key)
            else:
                self._leave()
            raise
        except GeneratorExit:
            stream.cancel()
            raise

    def _leave(self) -> None:
        if self._node is not None:
            self._client._leave(self._node)

    def _check(self, response: pb.StreamBlocksResponse) -> Block:
        step = f"block {self.next_height}"
        fields = read(BLOCK, encode(response.block.block), step)
        certificate = fields["certificate"] or {"epoch": 0, "seals": []}
        sets = self._client.validator_sets(certificate["epoch"])
        certified = {"header": fields["header"], "certificate": fields["certificate"]}
        header, hash_ = check_header(self._client.chain_id, sets[certificate["epoch"]], certified, step)
        require(header["height"] == self.next_height, step, f"of height {header['height']}")
        require(self._previous in (None, header["previous_hash"]), step, "does not follow on the block before")
        require(
            self._validators in (None, header["validators_hash"]), step, "not by the validators announced before it"
        )
        ids = [transaction_id(signed["envelope"]) for signed in fields["transactions"]]
        require(len(ids) == header["transaction_count"], step, "transactions are missing")
        require(merkle_root(ids) == header["transactions_root"], step, "other transactions than its header's")
        payloads = response.block.payloads
        require(len(payloads) in (0, len(ids)), step, "payloads")
        erased = {entry.index for entry in response.erased}
        transactions = tuple(
            _transaction(signed, ids[i], payloads[i] if payloads else messages.Payload(), i in erased, step)
            for i, signed in enumerate(fields["transactions"])
        )
        self._client._saw(header["height"])
        self._previous, self._validators = hash_, header["next_validators_hash"]
        self.next_height += 1
        return Block(header["height"], hash_, header["time_ms"], transactions)


def _transaction(
    signed: dict[str, bytes], tx_id: bytes, payload: messages.Payload, erased: bool, step: str
) -> BlockTransaction:
    envelope = check_envelope(signed, step)
    data = None
    if payload.salt:
        check_payload(envelope, {"salt": payload.salt, "data": payload.data}, step)
        data = payload.data
    return BlockTransaction(
        tx_id, envelope["kind"], envelope["author_key"], Disclosure(envelope["disclosure"]), data, erased
    )
