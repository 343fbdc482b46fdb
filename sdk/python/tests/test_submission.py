"""From submitted to a definite outcome, over nodes that lose answers, refuse and disagree: played, not waited for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from talentchain import Client, Endpoint, Genesis, Key, Outcome, Receipt, Transaction, messages
from talentchain import submission as submission_module
from talentchain._pb.talent.node.v1 import node_service_pb2 as pb
from talentchain._pb.talent.node.v1 import rpc_status_pb2 as status_pb
from talentchain.errors import Duplicate, Exhausted, Expired, OutcomeUnknown, PreconditionFailed, Rejected, Unavailable
from talentchain.rpc import Node, error_of
from talentchain.transaction import sign_transaction

GENESIS = Genesis(
    json.dumps(
        {
            "format": 1,
            "name": "played",
            "suite": "ed25519-sha256",
            "tier": "private",
            "consensus": {"max_transaction_bytes": 262144},
            "validators": [{"name": "v0", "vote_key": "01" * 32, "node_key": "02" * 32}],
        }
    ).encode()
)
VALID_UNTIL = 50
Answer = Exception | pb.SubmitResult


def state(status: pb.TransactionStatus, receipt: int = 0) -> pb.SubmitResult:
    height = 9 if status in (pb.TRANSACTION_STATUS_SEALED, pb.TRANSACTION_STATUS_REJECTED) else 0
    stands = pb.TransactionState(status=status, height=height, receipt=cast(messages.ReceiptCode, receipt))
    return pb.SubmitResult(tx_id=bytes(32), state=stands)


SEALED = state(pb.TRANSACTION_STATUS_SEALED)
PENDING = state(pb.TRANSACTION_STATUS_PENDING)
UNKNOWN = state(pb.TRANSACTION_STATUS_UNKNOWN)


def refused(reason: str) -> pb.SubmitResult:
    status = status_pb.RpcStatus(message="because")
    info = status_pb.RpcErrorInfo(reason=reason, domain="talentchain")
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString())
    return pb.SubmitResult(refused=status)


class Played:
    """A node that gives its answers to submissions one after the other, the last one for ever."""

    def __init__(self, address: str, *answers: Answer, finds: Sequence[tuple[pb.SubmitResult, int]] = ()) -> None:
        self.address = address
        self.answers = list(answers)
        self.finds = list(finds)  # what it knows of a transaction, and at which height
        self.got: list[list[bytes]] = []

    def call(self, method: str, request: Any, answer: type[Message], timeout: float, token: str | None = None) -> Any:
        if method == "Node/GetStatus":
            return pb.GetStatusResponse(chains=[pb.ChainState(chain_id=GENESIS.chain_id)])
        if method == "Ledger/GetTransaction":
            found, height = self.finds.pop(0) if len(self.finds) > 1 else self.finds[0]
            return pb.GetTransactionResponse(state=found.state, as_of_height=height)
        assert method == "Ledger/SubmitAllAndWait"
        self.got.append(list(request.transactions))
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return pb.SubmitAllAndWaitResponse(results=[given] * len(request.transactions))

    def call_fresh(self, *arguments: Any) -> tuple[Any, bool]:
        return self.call(*arguments), False

    def close(self) -> None:
        pass


def lost() -> Unavailable:
    return Unavailable("Deadline Exceeded")


Play = Callable[..., tuple[Client, Transaction]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.setattr(submission_module, "PAUSE", 0.0)
    monkeypatch.setattr("talentchain.client.PAUSE", 0.01)

    def start(*nodes: Played) -> tuple[Client, Transaction]:
        client = Client(GENESIS, [Endpoint("127.0.0.1:1", b"")])
        client._nodes = cast(list[Node], list(nodes))
        message = messages.ArbitrationOpened(record_id=bytes(32))
        return client, sign_transaction(Key.generate(), GENESIS.chain_id, message, valid_until=VALID_UNTIL)

    return start


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(play: Play) -> None:
    a = Played("a", lost())
    b = Played("b", refused("DUPLICATE"), finds=[(SEALED, 9)])
    client, transaction = play(a, b)
    assert client.submit_and_wait(transaction) == Outcome(transaction.id, 9, 0, Receipt.OK)
    assert {encoded for node in (a, b) for call in node.got for encoded in call} == {transaction.encoded}


def test_what_is_pending_is_waited_for(play: Play) -> None:
    client, transaction = play(Played("a", PENDING, UNKNOWN, SEALED))
    assert client.submit_and_wait(transaction).height == 9


def test_a_full_node_is_asked_again(play: Play) -> None:
    client, transaction = play(Played("a", refused("EXHAUSTED"), Exhausted("full"), SEALED))
    assert client.submit_and_wait(transaction).height == 9


def test_a_first_refusal_is_definite(play: Play) -> None:
    node = Played("a", refused("PRECONDITION"))
    client, transaction = play(node)
    with pytest.raises(PreconditionFailed, match="because"):
        client.submit_and_wait(transaction)
    assert len(node.got) == 1


def test_a_refusal_by_the_next_node_is_definite_where_the_first_was_never_reached(play: Play) -> None:
    client, transaction = play(Played("a", Unavailable("failed to connect to all addresses")),
                               Played("b", refused("PRECONDITION")))  # fmt: skip
    with pytest.raises(PreconditionFailed):
        client.submit_and_wait(transaction)


def test_a_refusal_after_a_lost_answer_is_not_believed(play: Play) -> None:
    # The lost one has taken effect, and that is why the second is refused.
    b = Played("b", refused("PRECONDITION"), finds=[(UNKNOWN, 5), (PENDING, 6), (SEALED, 9)])
    client, transaction = play(Played("a", lost()), b)
    assert client.submit_and_wait(transaction).height == 9


def test_a_refusal_after_a_lost_answer_counts_once_nothing_can_take_effect_any_more(play: Play) -> None:
    finds = [(UNKNOWN, VALID_UNTIL - 1), (UNKNOWN, VALID_UNTIL)]
    client, transaction = play(Played("a", lost()), Played("b", refused("PRECONDITION"), finds=finds))
    with pytest.raises(PreconditionFailed):
        client.submit_and_wait(transaction)


def test_expired_is_said_once_the_chain_has_passed_it_without(play: Play) -> None:
    finds = [(UNKNOWN, VALID_UNTIL - 1), (UNKNOWN, VALID_UNTIL)]
    node = Played("a", refused("EXPIRED"), finds=finds)
    client, transaction = play(node)
    with pytest.raises(Expired):
        client.submit_and_wait(transaction)
    assert len(node.got) == 2
    client, transaction = play(Played("a", state(pb.TRANSACTION_STATUS_EXPIRED)))
    with pytest.raises(Expired):
        client.submit_and_wait(transaction)


def test_expired_is_not_said_of_what_was_sealed_in_time(play: Play) -> None:
    client, transaction = play(Played("a", lost(), refused("EXPIRED"), finds=[(SEALED, 99)]))
    assert client.submit_and_wait(transaction).height == 9


def test_sealed_without_effect_is_an_error_that_says_why(play: Play) -> None:
    client, transaction = play(Played("a", state(pb.TRANSACTION_STATUS_REJECTED, Receipt.PRECONDITION)))
    with pytest.raises(Rejected, match="PRECONDITION") as refusal:
        client.submit_and_wait(transaction)
    assert refusal.value.outcome.receipt == Receipt.PRECONDITION


def test_without_an_outcome_in_time_the_transaction_comes_back_to_be_submitted_again(play: Play) -> None:
    node = Played("a", lost())
    client, transaction = play(node)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown) as unknown:
        client.submit_and_wait(transaction, timeout=0.3)
    assert time.monotonic() - began < 5
    node.answers = [SEALED]
    assert client.submit_and_wait(unknown.value.transaction).height == 9


def test_many_go_in_calls_of_256_and_of_one_transactions_bytes(play: Play) -> None:
    node = Played("a", SEALED)
    client, transaction = play(node)
    assert len(client.submit_all([transaction] * 600)) == 600
    assert [len(call) for call in node.got] == [256, 256, 88]
    node.got.clear()
    message = messages.AbilityAssessed(method="m" * 100_000)
    big = sign_transaction(Key.generate(), GENESIS.chain_id, message, valid_until=VALID_UNTIL)
    client.submit_all([big] * 3)
    assert [len(call) for call in node.got] == [2, 1]


def test_reasons_become_exceptions_and_unknown_ones_stay_readable() -> None:
    assert isinstance(error_of(refused("DUPLICATE").refused, "ALREADY_EXISTS", "a"), Duplicate)
    strange = error_of(refused("TOMORROW").refused, "INTERNAL", "a")
    assert strange.code == "TOMORROW"
    without = error_of(status_pb.RpcStatus(message="x"), "RESOURCE_EXHAUSTED", "a")
    assert without.code == "TOO_LARGE"
