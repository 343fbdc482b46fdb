"""The client against real nodes: what they refuse, and what comes of many at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Devnet, new_person
from talentchain import (
    Client,
    Disclosure,
    Endpoint,
    Key,
    Outcome,
    messages,
)
from talentchain.errors import (
    Duplicate,
    Expired,
    InvalidArgument,
    NodeError,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unauthorized,
    Unavailable,
    WrongChain,
)
from talentchain.transaction import sign_transaction

sys.path.insert(0, str(ROOT / "sdk" / "examples" / "python"))


def test_refusals_are_typed(devnet: Devnet, centre: Client) -> None:
    score = messages.Score(dimension="analysis", value=1)
    assessment = messages.AbilityAssessed(subject_id=bytes(32), scores=[score], method="m", assessor="b")
    private = Disclosure.PRIVATE
    key = devnet.key("centre-1")
    for _ in range(2):
        height = centre.submit_and_wait(centre.sign(new_person(), disclosure=private)).height
    late = sign_transaction(key, centre.chain_id, assessment, valid_until=1, disclosure=private)
    with pytest.raises(Expired):
        centre.submit_and_wait(late)
    with pytest.raises(WrongChain):
        centre.submit_and_wait(sign_transaction(key, bytes(32), assessment, valid_until=height + 9, disclosure=private))
    stranger = sign_transaction(Key.generate(), centre.chain_id, assessment, valid_until=height + 9, disclosure=private)
    with pytest.raises(Unauthorized):
        centre.submit_and_wait(stranger)
    with pytest.raises(NotFound, match="subject"):
        centre.submit_and_wait(centre.sign(assessment, disclosure=private))
    big = messages.AbilityAssessed(subject_id=bytes(32), scores=[score], method="m" * (300 << 10), assessor="b")
    with pytest.raises(TooLarge):
        centre.submit_and_wait(centre.sign(big, disclosure=private))
    with pytest.raises(InvalidArgument):
        centre.transaction(b"short")
    with pytest.raises(TooLarge):
        centre.state(b"x" * 2000, messages.Party)


def test_one_call_for_many_has_a_result_for_each(centre: Client) -> None:
    good = [centre.sign(new_person(), disclosure=Disclosure.PRIVATE) for _ in range(3)]
    bad = centre.sign(messages.ConsentWithdrawn(subject_id=bytes(32)), disclosure=Disclosure.PRIVATE)
    results = centre.submit_all([*good, bad], timeout=20)
    assert [isinstance(result, Outcome) for result in results] == [True, True, True, False]
    assert isinstance(results[3], NodeError)
    # The same bytes again: the same outcomes, whatever was lost on the way.
    assert centre.submit_all(good) == results[:3]
    with pytest.raises(Duplicate):
        centre.submit(good[0])
    found = centre.transaction(good[0].id)
    assert found.outcome == results[0]
    assert found.transaction is not None
    assert found.transaction.message() == good[0].message()


def test_who_is_not_logged_in_reads_nothing_private(devnet: Devnet, centre: Client) -> None:
    with devnet.network.client("private-a") as nobody:
        with pytest.raises(Unauthorized):
            nobody.state(b"party/acme", messages.Party)
        block = next(iter(nobody.follow(1, until=1)))
        assert all(transaction.payload is None for transaction in block.transactions)
    from talentchain._pb.talent.node.v1 import node_service_pb2 as pb

    node = centre._nodes[0]
    request = pb.GetStateRequest(chain_id=centre.chain_id, key=b"party/acme")
    with pytest.raises(Unauthenticated):
        node.call("Ledger/GetState", request, pb.GetStateResponse, 5.0, "not a token")
    # The client itself logs in anew, as after a restart of the node.
    assert centre.key is not None
    for each in centre._nodes:
        each._tokens[centre.chain_id, centre.key.public] = "ended"
    assert centre.state(b"party/acme", messages.Party) is not None


def test_a_node_with_another_certificate_is_not_talked_to(devnet: Devnet) -> None:
    nodes = devnet.network.nodes
    swapped = Endpoint(nodes["centre-1"].address, nodes["centre-2"].certificate)
    with Client(devnet.network.genesis("public"), [swapped], timeout=2) as client, pytest.raises(Unavailable):
        client.height()


def test_the_example_that_follows_goes_on_where_it_was(devnet: Devnet, tmp_path: Path) -> None:
    def run() -> list[str]:
        command = [sys.executable, str(ROOT / "sdk" / "examples" / "python" / "follow.py"), "--once"]
        options = ["--endpoints", str(devnet.endpoints), "--chain", "private-a", "--cursor", str(tmp_path / "cursor")]
        return subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout.splitlines()

    first = run()
    assert first[0].startswith("block 1 ")
    assert len(first) == int((tmp_path / "cursor").read_text()) - 1
    assert len(run()) < len(first)
