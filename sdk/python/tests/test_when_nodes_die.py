"""What a client does when a node dies, and when validators change."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys

from conftest import ROOT, WITHIN, Devnet, Watch, as_centre, new_person, wait_for
from talentchain import (
    Client,
    Disclosure,
    messages,
)

sys.path.insert(0, str(ROOT / "sdk" / "examples" / "python"))


def test_goes_on_at_another_node_when_one_dies(devnet: Devnet, centre: Client) -> None:
    for process in devnet.documents.values():
        process.wait(2 * WITHIN)  # they need that node
    nodes = json.loads(devnet.endpoints.read_text())["nodes"]
    pid = next(node["pid"] for node in nodes if node["name"] == "centre-4")
    with devnet.network.client("private-a", centre.key, nodes=["centre-4", "centre-3"]) as client:
        watch = Watch(client)
        before = client.height()
        wait_for(lambda: len(watch.blocks) >= before, "followed")
        os.kill(pid, signal.SIGKILL)
        outcome = client.submit_and_wait(client.sign(new_person(), disclosure=Disclosure.PRIVATE))
        wait_for(lambda: bool(watch.blocks) and watch.blocks[-1].height >= outcome.height, "followed on")
        watch.close()
    heights = [block.height for block in watch.blocks]
    assert all(b == a + 1 for a, b in itertools.pairwise([0, *heights]))


def test_follows_and_proves_across_a_change_of_validators(devnet: Devnet, centre: Client) -> None:
    # The one that died is voted out; the heights up to the change are empty blocks.
    node = ("--node", "centre-1")
    remove = ("validator", "propose", "--remove", "centre-4", "--output", "json", *node)
    proposal = json.loads(as_centre(devnet, "centre-1", "private-a", *remove))["id"]
    for other in ("centre-2", "centre-3"):
        as_centre(devnet, other, "private-a", "governance", "vote", proposal, *node)
    with devnet.network.client("private-a", centre.key, nodes=["centre-1", "centre-2"]) as client:
        wait_for(lambda: client.status().epoch == 1, "the next epoch")
        outcome = client.submit_and_wait(client.sign(new_person(), disclosure=Disclosure.PRIVATE))
        blocks = list(client.follow(until=outcome.height))
        assert [block.height for block in blocks] == list(range(1, outcome.height + 1))
        assert len(client.validator_sets(1)[1].validators) == 3
        assert client.proof(outcome.tx_id).height == outcome.height
        entry = client.state(b"epoch/current", messages.EpochEntry)  # proven by the new set
        assert entry is not None
        assert entry.epoch == 1
    # One who begins in the second epoch has its validators proven too.
    with devnet.network.client("private-a", centre.key, nodes=["centre-2"]) as late:
        assert next(iter(late.follow(outcome.height))).hash == blocks[-1].hash
