"""Following over nodes that lie, stop and forget: a chain of one validator, made here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from talentchain import Client, Endpoint, Genesis, Key, Proof, ProofRefused, messages
from talentchain import follower as follower_module
from talentchain._pb.talent.node.v1 import node_service_pb2 as pb
from talentchain.crypto import merkle_root
from talentchain.encoding import decode_as, encode
from talentchain.errors import NodeError, Unauthenticated, Unavailable
from talentchain.genesis import ValidatorSet
from talentchain.light import block_hash, transaction_id
from talentchain.rpc import Node
from talentchain.transaction import sign_transaction

SEALER = Key(b"s" * 32)
NEXT = Key(b"n" * 32)  # the validator of epoch 1
GENESIS = Genesis(
    json.dumps(
        {
            "format": 1,
            "name": "made",
            "suite": "ed25519-sha256",
            "tier": "public",
            "consensus": {"max_transaction_bytes": 262144},
            "validators": [{"name": "v0", "vote_key": SEALER.public.hex(), "node_key": "02" * 32}],
        }
    ).encode()
)
SETS = [GENESIS.validators, ValidatorSet(1, [("v1", NEXT.public, b"\3" * 32)], "test")]
EPOCH_END = 3
Change = Callable[[pb.StreamBlocksResponse], None]


def make_blocks(count: int) -> list[pb.StreamBlocksResponse]:
    """Heights 1 to `count`; the epoch changes after EPOCH_END."""
    blocks, previous = [], GENESIS.chain_id
    for height in range(1, count + 1):
        message = messages.ArbitrationOpened(record_id=height.to_bytes(32, "big"))
        signed = decode_as(
            messages.Transaction, sign_transaction(SEALER, GENESIS.chain_id, message, valid_until=99).encoded
        )
        epoch = int(height > EPOCH_END)
        tx_id = transaction_id(signed.envelope)
        header = encode(
            messages.BlockHeader(
                format=1,
                suite=1,
                chain_id=GENESIS.chain_id,
                height=height,
                previous_hash=previous,
                time_ms=height,
                transactions_root=merkle_root([tx_id]),
                transaction_count=1,
                epoch=epoch,
                validators_hash=SETS[epoch].hash,
                next_validators_hash=SETS[int(height >= EPOCH_END)].hash,
            )
        )
        blocks.append(seal(header, signed, epoch))
        previous = block_hash(header)
    return blocks


def seal(header: bytes, signed: messages.Transaction, epoch: int) -> pb.StreamBlocksResponse:
    signature = (NEXT if epoch else SEALER).sign("talent/sign/seal/v1", GENESIS.chain_id, block_hash(header))
    block = messages.Block(
        header=header,
        certificate=messages.Certificate(epoch=epoch, seals=[messages.Seal(validator=0, signature=signature)]),
        transactions=[messages.SignedEnvelope(envelope=signed.envelope, signature=signed.signature)],
    )
    with_payloads = messages.BlockWithPayloads(block=block, payloads=[signed.payload])
    return pb.StreamBlocksResponse(block=with_payloads, hash=block_hash(header))


BLOCKS = make_blocks(6)


class Streaming:
    """A node that streams blocks: up to `stops` of them, then what `ends` says; changed by `lie` at height `at`."""

    def __init__(
        self, stops: int = 99, ends: NodeError | None = None, lie: Change = lambda block: None, at: int = 2
    ) -> None:
        self.address = f"node-{id(self)}"
        self.stops, self.ends, self.lie, self.at = stops, ends, lie, at
        self.asked: list[int] = []
        self.validators = [("v1", NEXT.public, b"\3" * 32)]
        self.cancelled = threading.Event()

    def stream_blocks(self, chain: bytes, from_height: int, timeout: float, token: str | None) -> Streaming:
        assert chain == GENESIS.chain_id
        self.asked.append(from_height)
        return self

    def __iter__(self) -> Iterator[pb.StreamBlocksResponse]:
        for block in BLOCKS[self.asked[-1] - 1 :][: self.stops]:
            changed = pb.StreamBlocksResponse.FromString(block.SerializeToString())
            if block is BLOCKS[self.at - 1]:
                self.lie(changed)
            yield changed
        if self.ends is not None:
            raise self.ends
        assert self.cancelled.wait(10)
        raise Unavailable("CANCELLED")

    def cancel(self) -> None:
        self.cancelled.set()

    def call(self, method: str, request: Any, *_: Any) -> Any:
        if method == "Node/GetStatus":
            return pb.GetStatusResponse(chains=[pb.ChainState(chain_id=GENESIS.chain_id, height=6)])
        if method == "Ledger/GetBlock":
            return pb.GetBlockResponse(block=BLOCKS[request.height - 1].block)
        assert method == "Ledger/GetState"
        if request.key != b"epoch/" + bytes(8):
            return pb.GetStateResponse(as_of_height=6)
        following = [messages.ValidatorInfo(name=n, vote_key=v, node_key=k) for n, v, k in self.validators]
        entry = messages.EpochEntry(last_height=EPOCH_END, next_validators=following)
        return pb.GetStateResponse(present=True, value=encode(entry), as_of_height=6)

    def call_fresh(self, *arguments: Any) -> tuple[Any, bool]:
        return self.call(*arguments), False


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "PAUSE", 0.0)
    monkeypatch.setattr("talentchain.client.PAUSE", 0.0)


def client_of(*nodes: Streaming) -> Client:
    client = Client(GENESIS, [Endpoint("127.0.0.1:1", b"")], timeout=1)
    client._nodes = cast(list[Node], list(nodes))
    return client


def test_every_block_once_across_streams_and_nodes_and_a_change_of_validators() -> None:
    a, b = Streaming(2, Unavailable("stopping")), Streaming(1, Unavailable("stopping"))
    blocks = list(client_of(a, b).follow(until=6))
    assert [block.height for block in blocks] == [1, 2, 3, 4, 5, 6]
    assert [block.hash for block in blocks] == [block.hash for block in BLOCKS]
    assert (a.asked, b.asked) == ([1, 4], [3, 6])
    message = blocks[4].transactions[0].message()
    assert message == messages.ArbitrationOpened(record_id=(5).to_bytes(32, "big"))


def test_begins_in_a_later_epoch_with_its_validators_proven() -> None:
    assert [block.height for block in client_of(Streaming()).follow(5, until=6)] == [5, 6]
    lying = Streaming()
    lying.validators = [("v1", Key.generate().public, b"\3" * 32)]
    with pytest.raises(ProofRefused, match="epoch 1"):
        list(client_of(lying).follow(5, until=6))


def test_goes_on_from_the_height_it_is_given() -> None:
    node = Streaming()
    follower = client_of(node).follow(2, until=3)
    assert [block.height for block in follower] == [2, 3]
    assert (node.asked, follower.next_height) == ([2], 4)


def change_header(block: pb.StreamBlocksResponse, **fields: Any) -> None:
    header = decode_as(messages.BlockHeader, block.block.block.header)
    for name, value in fields.items():
        setattr(header, name, value)
    signed = messages.Transaction()
    signed.envelope = block.block.block.transactions[0].envelope
    signed.signature = block.block.block.transactions[0].signature
    signed.payload.CopyFrom(block.block.payloads[0])
    block.CopyFrom(seal(encode(header), signed, 0))  # sealed in earnest


LIES: dict[str, Change] = {
    "another seal": lambda b: b.block.block.certificate.seals[0].ClearField("signature"),
    "no seals": lambda b: b.block.block.certificate.ClearField("seals"),
    "another epoch": lambda b: setattr(b.block.block.certificate, "epoch", 1),
    "an epoch that never was": lambda b: setattr(b.block.block.certificate, "epoch", 1 << 40),
    "another header": lambda b: setattr(b.block.block, "header", BLOCKS[2].block.block.header),
    "another block": lambda b: b.CopyFrom(BLOCKS[2]),
    "no transactions": lambda b: b.block.block.ClearField("transactions"),
    "other transactions": lambda b: b.block.block.transactions[0].CopyFrom(BLOCKS[0].block.block.transactions[0]),
    "another payload": lambda b: setattr(b.block.payloads[0], "data", b"x"),
    "payloads of others": lambda b: b.block.payloads.append(messages.Payload()),
    "another chain before it": lambda b: change_header(b, previous_hash=b"x" * 32),
    "another chain": lambda b: change_header(b, chain_id=b"x" * 32),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_lies_is_left_for_one_that_does_not(lie: str) -> None:
    liar, honest = Streaming(lie=LIES[lie]), Streaming()
    blocks = list(client_of(liar, honest).follow(until=6))
    assert [block.hash for block in blocks] == [block.hash for block in BLOCKS]
    assert (liar.asked, honest.asked) == ([1], [2])
    with pytest.raises(ProofRefused):
        list(client_of(Streaming(lie=LIES[lie])).follow(until=6))


def keep_the_old_epoch(block: pb.StreamBlocksResponse) -> None:
    """Sealed by those who have left."""
    old = SETS[0].hash
    change_header(block, epoch=0, validators_hash=old, next_validators_hash=old)


def test_keys_that_have_left_seal_nothing_new() -> None:
    liar, honest = Streaming(lie=keep_the_old_epoch, at=4), Streaming()
    assert [block.hash for block in client_of(liar, honest).follow(until=6)] == [block.hash for block in BLOCKS]
    assert (liar.asked, honest.asked) == ([1], [4])

    forged = pb.StreamBlocksResponse.FromString(BLOCKS[3].SerializeToString())
    keep_the_old_epoch(forged)
    validators = [messages.ValidatorInfo(name=n, vote_key=v, node_key=k) for n, v, k in SETS[1].validators]
    change = messages.EpochChange(header=certified(BLOCKS[2]), next_validators=validators)
    proof = messages.TransactionProof(epochs=[change], header=certified(forged))
    with pytest.raises(ProofRefused, match="header: height 4"):
        Proof(encode(proof), GENESIS)
    proof = messages.TransactionProof(header=certified(BLOCKS[3]))
    with pytest.raises(ProofRefused, match="certificate: an epoch the proof does not lead to"):
        Proof(encode(proof), GENESIS)


def certified(block: pb.StreamBlocksResponse) -> messages.CertifiedHeader:
    inner = block.block.block
    return messages.CertifiedHeader(header=inner.header, certificate=inner.certificate)


def test_logs_in_again_where_its_token_has_ended() -> None:
    class Tokens(Streaming):
        given = 0

        def token(self, chain: bytes, key: Key, timeout: float) -> str:
            self.given += 1
            return str(self.given)

        def forget_token(self, chain: bytes, key: Key) -> None:
            self.stops, self.ends = 99, None

    node = Tokens(2, Unauthenticated("the bearer token has ended"))
    client = client_of(node)
    client.key = SEALER
    assert [block.height for block in client.follow(until=4)] == [1, 2, 3, 4]
    assert node.asked == [1, 3]


def test_close_ends_one_that_waits() -> None:
    node = Streaming()
    follower = client_of(node).follow()
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(block.height for block in follower), daemon=True)
    thread.start()
    while len(seen) < 6:
        assert thread.is_alive()
    follower.close()
    thread.join(10)
    assert not thread.is_alive()
    assert seen == [1, 2, 3, 4, 5, 6]
