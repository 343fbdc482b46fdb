"""The package against a network of real nodes: a member joins, follows, reviews, sees its points, checks a proof."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, Devnet, run_document, run_talentd
from talentchain import (
    Block,
    Client,
    Disclosure,
    Endpoint,
    Key,
    Member,
    Outcome,
    Proof,
    ProofRefused,
    apply_for_membership,
    confirm,
    dispute,
    messages,
)
from talentchain.errors import (
    Duplicate,
    Expired,
    InvalidArgument,
    NodeError,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unauthenticated,
    Unauthorized,
    Unavailable,
    WrongChain,
)
from talentchain.evidence import check_evidence
from talentchain.light import check_proof
from talentchain.transaction import sign_transaction

sys.path.insert(0, str(ROOT / "sdk" / "examples" / "python"))
from centre import write_record

WITHIN = 60.0  # seconds, for what takes a few on an idle machine


def wait_for(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WITHIN
    while not done():
        if time.monotonic() > until:
            raise AssertionError(f"not within {WITHIN:.0f} s: {what}")
        time.sleep(0.1)


def as_centre(devnet: Devnet, centre: str, *command: str | Path) -> str:
    """talentd, signing for a centre on the consortium."""
    key: list[str | Path] = ["--key", devnet.key_file(centre), "--passphrase-file", devnet.passphrase_file]
    return run_talentd(*command, "--chain", "consortium", "--endpoints", devnet.endpoints, *key)


@pytest.fixture(scope="module")
def hooli(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A new member's key: applied for, and voted in by four of the five centres."""
    folder = tmp_path_factory.mktemp("hooli")
    key = Key.generate()
    key.save(folder / "hooli.key", devnet.passphrase, purpose="party:hooli", cost="interactive")
    genesis = devnet.network.genesis("consortium")
    statement = apply_for_membership(genesis, "hooli", [key])
    same = run_talentd(
        "member", "statement", "hooli", "--role", "enterprise", "--key", folder / "hooli.key",
        "--genesis", devnet.genesis_file("consortium"), "--passphrase-file", devnet.passphrase_file,
    )  # fmt: skip
    assert statement == same
    with devnet.network.client("consortium", key) as early, pytest.raises(Unauthorized, match="no active key"):
        early.party()
    (folder / "hooli.statement").write_text(statement)
    propose = ("member", "propose", "admit", folder / "hooli.statement", "--name", "Hooli", "--output", "json")
    proposal = json.loads(as_centre(devnet, "centre-1", *propose))["id"]
    for centre in ("centre-2", "centre-3", "centre-4"):
        as_centre(devnet, centre, "governance", "vote", proposal)
    return key


@pytest.fixture(scope="module")
def centre(devnet: Devnet) -> Iterator[Client]:
    with devnet.network.client("private-a", devnet.key("centre-1")) as client:
        yield client


class Watch:
    """Blocks of a chain, as a follower in a thread of its own sees them."""

    def __init__(self, client: Client) -> None:
        self.blocks: list[Block] = []
        self.follower = client.follow()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        for block in self.follower:
            self.blocks.append(block)

    def kinds(self) -> list[str]:
        return [transaction.kind for block in list(self.blocks) for transaction in block.transactions]

    def close(self) -> None:
        self.follower.close()
        self.thread.join(WITHIN)
        assert not self.thread.is_alive()


def flipped_bytes_of_the_evidence(proof: Proof, devnet: Devnet) -> None:
    """No byte of what a publication carries can be changed without a refusal, or without a step going unchecked."""
    proven = check_proof(proof.data, devnet.network.genesis("public"), lambda step, text: None)
    data = proven["payload"]["data"]
    good = check_evidence(proven)
    assert all(fact.checked for fact in good)
    for i in range(len(data)):
        bad = bytearray(data)
        bad[i] ^= 1 << i % 8
        try:
            facts = check_evidence({**proven, "payload": {**proven["payload"], "data": bytes(bad)}})
        except ProofRefused:
            continue
        assert not all(fact.checked for fact in facts), f"byte {i}"


def check_published(devnet: Devnet, record: bytes, folder: Path) -> None:
    """The record is on the public chain, with a proof that both verifiers take, and neither after a change."""
    with devnet.network.client("public", nodes=["viewer"]) as public:

        def published() -> bool:
            return public.state(b"pub/" + record, messages.PublishedRecord) is not None

        wait_for(published, "published")
        proof = public.proof(record)
        absent = public.state(b"pub/" + bytes(32), messages.PublishedRecord)
    assert absent is None
    assert proof.kind == "RecordPublished"
    assert [fact.step for fact in proof.way] == ["record", "record state", "standing"]
    standing = proof.standing(record)
    assert standing is not None
    assert (standing.status, standing.superseded_by) == ("verified", None)
    file = folder / "record.proof"
    file.write_bytes(proof.data)
    genesis = devnet.genesis_file("public")
    assert "the proof holds" in run_talentd("verify", "--proof", file, "--genesis", genesis)
    fetched = folder / "talentd.proof"
    run_talentd("proof", record.hex(), "--out", fetched, "--endpoints", devnet.endpoints)
    assert Proof.load(fetched, devnet.network.genesis("public")).tx_id == proof.tx_id
    with pytest.raises(ProofRefused):
        Proof.verify(proof.data, devnet.network.genesis("consortium"))
    flipped_bytes_of_the_evidence(proof, devnet)


DOCUMENTS = ("sdk/python/README.md", "docs/enterprise.md")


@pytest.fixture(scope="module")
def documents(devnet: Devnet) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Run meanwhile: most of what they do is to wait for the windows of their reviews."""
    running = {document: run_document(devnet, ROOT / document) for document in DOCUMENTS}
    yield running
    for process in running.values():
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_new_member_reviews_and_sees_why_it_has_its_points(
    devnet: Devnet,
    documents: dict[str, subprocess.Popen[str]],
    hooli: Key,
    centre: Client,
    tmp_path: Path,
) -> None:
    assert documents
    chain = devnet.network.client("consortium", hooli)
    watch = Watch(chain)
    member = Member(chain, tmp_path / "reveals")
    assert member.party == "hooli"
    good, doubtful = write_record(centre), write_record(centre)
    wait_for(lambda: {good, doubtful} <= {record_id for record_id, _ in member.records()}, "promoted")
    record = member.record(good)
    assert isinstance(record.content, messages.ContinuingEducation)
    assert (record.status, record.content.plan.hours) == ("IN_REVIEW", 80)

    example = [sys.executable, str(ROOT / "sdk" / "examples" / "python" / "review.py"), "--reveals", "centre-3",
               "--endpoints", str(devnet.endpoints), "--key", str(devnet.key_file("centre-3")),
               "--passphrase-file", str(devnet.passphrase_file)]  # fmt: skip
    with subprocess.Popen(example, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as other:
        first = member.commit(good, confirm("plan.hours"), confirm("plan.courses"))
        assert member.commit(good, confirm()) == first  # as after a crash: the verdict that is on the disk
        member.commit(doubtful, dispute("plan.hours", proposed=b"60", evidence=b"the course's own page"))
        verdict = messages.ReviewVerdict(fields=[confirm()])
        too_early = messages.ReviewRevealed(record_id=good, verdict=verdict, salt=bytes(32))
        with pytest.raises(PreconditionFailed):
            chain.submit_and_wait(chain.sign(too_early))
        member = Member(devnet.network.client("consortium", hooli), tmp_path / "reveals")  # a new process
        assert sorted(member.unrevealed()) == sorted([good, doubtful])
        for record_id in member.unrevealed():
            assert isinstance(member.reveal(record_id), Outcome)
        assert member.unrevealed() == []
        said, _ = other.communicate(timeout=WITHIN)
    assert other.returncode == 0, said
    assert f"centre-3 revealed its verdict on {good.hex()}" in said
    assert f"{good.hex()} is VERIFIED" in said

    assert member.record(doubtful).status == "DISPUTED"
    points = member.points()
    assert [(line.delta, line.waiting, line.record_id) for line in points.lines] == [(0, 1, good)]
    assert points.lines[0].reason.startswith("a confirmation that stands")
    assert points.lines[0].review == first.tx_id
    assert (points.balance, points.waiting) == (0, 1)

    wait_for(lambda: watch.kinds().count("ReviewRevealed") >= 4, "followed")
    watch.close()
    assert [block.height for block in watch.blocks] == list(range(1, len(watch.blocks) + 1))
    assert {"MemberProposed", "ProposalVoted", "RecordPromoted"} <= set(watch.kinds())
    check_published(devnet, good, tmp_path)


def test_refusals_are_typed(devnet: Devnet, centre: Client) -> None:
    score = messages.Score(dimension="analysis", value=1)
    assessment = messages.AbilityAssessed(subject_id=bytes(32), scores=[score], method="m", assessor="b")
    private = Disclosure.PRIVATE
    key = devnet.key("centre-1")
    height = centre.height()
    assert height >= 2
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
    def person() -> messages.SubjectRegistered:
        return messages.SubjectRegistered(
            subject_id=os.urandom(32), commitment=os.urandom(32), custodian="centre-1", consent_version=1
        )

    good = [centre.sign(person(), disclosure=Disclosure.PRIVATE) for _ in range(3)]
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


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_of_a_document_works(document: str, documents: dict[str, subprocess.Popen[str]]) -> None:
    said, _ = documents[document].communicate(timeout=2 * WITHIN)
    assert documents[document].returncode == 0, said
    assert "VERIFIED" in said or "enterprise" in document
    assert "+0 (+1 waiting) a confirmation that stands" in said


def test_goes_on_at_another_node_when_one_dies(
    devnet: Devnet, centre: Client, documents: dict[str, subprocess.Popen[str]]
) -> None:
    assert all(process.poll() is not None for process in documents.values())  # they need that node
    nodes = json.loads(devnet.endpoints.read_text())["nodes"]
    pid = next(node["pid"] for node in nodes if node["name"] == "centre-4")
    with devnet.network.client("private-a", centre.key, nodes=["centre-4", "centre-3"]) as client:
        watch = Watch(client)
        before = client.height()
        wait_for(lambda: len(watch.blocks) >= before, "followed")
        os.kill(pid, signal.SIGKILL)
        person = messages.SubjectRegistered(
            subject_id=os.urandom(32), commitment=os.urandom(32), custodian="centre-1", consent_version=1
        )
        outcome = client.submit_and_wait(client.sign(person, disclosure=Disclosure.PRIVATE))
        wait_for(lambda: bool(watch.blocks) and watch.blocks[-1].height >= outcome.height, "followed on")
        watch.close()
    heights = [block.height for block in watch.blocks]
    assert all(b == a + 1 for a, b in itertools.pairwise([0, *heights]))
