"""A member of a network of real nodes: joins, follows, reviews, sees its points, checks a proof."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import forge
from conftest import ROOT, WITHIN, Devnet, Watch, as_centre, run_talentd, wait_for
from talentchain import (
    Client,
    Disclosure,
    Genesis,
    Key,
    Member,
    Proof,
    ProofRefused,
    apply_for_membership,
    confirm,
    dispute,
    messages,
)
from talentchain.encoding import encode
from talentchain.errors import (
    PreconditionFailed,
    Unauthorized,
)
from talentchain.evidence import check_evidence
from talentchain.light import check_proof

sys.path.insert(0, str(ROOT / "sdk" / "examples" / "python"))
from centre import make_assessment, put, register_person, write_record


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
    proposal = json.loads(as_centre(devnet, "centre-1", "consortium", *propose))["id"]
    for centre in ("centre-2", "centre-3", "centre-4"):
        as_centre(devnet, centre, "consortium", "governance", "vote", proposal)
    return key


def flipped_bytes_of_the_evidence(proof: Proof, genesis: Genesis) -> None:
    """A change of any (third) byte of what a transaction carries is refused, or leaves a step unchecked."""
    proven = check_proof(proof.data, genesis, lambda step, text: None)
    data = proven["payload"]["data"]
    good = check_evidence(proven)
    assert all(fact.checked for fact in good)
    for i in range(0, len(data), 3):
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
    flipped_bytes_of_the_evidence(proof, devnet.network.genesis("public"))


def accept_dispute(
    devnet: Devnet, centre: Client, record: bytes, assessment: messages.AbilityAssessed, dispute_tx: bytes
) -> bytes:
    """As the record's centre, correct it; the id of the correction."""
    assessment.scores[0].value = 5400
    corrected = messages.Corrected(
        supersedes=record,
        content_kind="AbilityAssessed",
        content=encode(assessment),
        reason=messages.CORRECTION_REASON_DISPUTE,
        disputes=[dispute_tx],
    )
    # The answer names the correction before it is written: promotion is so quick that it would arrive first.
    signed = centre.sign(corrected, disclosure=Disclosure.FULL)
    with devnet.network.client("consortium", centre.key) as chain:
        put(chain, messages.DisputeAnswered(record_id=record, correction=signed.id), Disclosure.NOT_A_RECORD)
    return centre.submit_and_wait(signed).tx_id


def check_corrected(devnet: Devnet, record: bytes, correction: bytes, folder: Path) -> None:
    """The public chain has the correction, with every step that led to it."""
    with devnet.network.client("public") as public:

        def superseded() -> bool:
            entry = public.state(b"pub/" + record, messages.PublishedRecord)
            return entry is not None and entry.superseded_by == correction

        wait_for(superseded, "the correction is published")
        proof = public.proof(correction)
    assert proof.kind == "CorrectionPublished"
    assert all(fact.checked for fact in proof.way)
    steps = [fact.text.split()[2] for fact in proof.way if fact.step.startswith("step ")]
    assert steps[0] == steps[-1] == "RecordPromoted"
    assert steps[1:-1] == ["ReviewRevealed", "DisputeAnswered"]
    flipped_bytes_of_the_evidence(proof, devnet.network.genesis("public"))
    forge.compare(proof, devnet.genesis_file("public"), folder, changes=40)


def test_a_new_member_reviews_and_sees_why_it_has_its_points(
    devnet: Devnet,
    hooli: Key,
    centre: Client,
    tmp_path: Path,
) -> None:
    chain = devnet.network.client("consortium", hooli)
    watch = Watch(chain)
    member = Member(chain, tmp_path / "reveals")
    assert member.party == "hooli"
    good = write_record(centre)
    assessment = make_assessment(register_person(centre), 6200)
    doubtful = put(centre, assessment, Disclosure.FULL)
    wait_for(lambda: {good, doubtful} <= {record_id for record_id, _ in member.records()}, "promoted")
    record = member.record(good)
    assert isinstance(record.content, messages.ContinuingEducation)
    assert (record.status, record.content.plan.hours) == ("IN_REVIEW", 80)

    example = [sys.executable, str(ROOT / "sdk" / "examples" / "python" / "review.py"), "--wait",
               "--reveals", "centre-3",
               "--endpoints", str(devnet.endpoints), "--key", str(devnet.key_file("centre-3")),
               "--passphrase-file", str(devnet.passphrase_file)]  # fmt: skip
    with subprocess.Popen(example, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as other:
        first = member.commit(good, confirm("plan.hours"), confirm("plan.courses"))
        assert member.commit(good, confirm()) == first  # as after a crash: the verdict that is on the disk
        member.commit(doubtful, dispute("scores.analysis", proposed=b"5400", evidence=b"our own test"))
        verdict = messages.ReviewVerdict(fields=[confirm()])
        too_early = messages.ReviewRevealed(record_id=good, verdict=verdict, salt=bytes(32))
        with pytest.raises(PreconditionFailed):
            chain.submit_and_wait(chain.sign(too_early))
        member = Member(devnet.network.client("consortium", hooli), tmp_path / "reveals")  # a new process
        assert sorted(member.unrevealed()) == sorted([good, doubtful])
        reveals = {record_id: member.reveal(record_id).tx_id for record_id in member.unrevealed()}
        assert member.unrevealed() == []
        said, _ = other.communicate(timeout=WITHIN)
    assert other.returncode == 0, said
    assert f"centre-3 revealed its verdict on {good.hex()}" in said
    assert f"{good.hex()} is VERIFIED" in said

    assert member.record(doubtful).content is None  # of value class 1: not released to a new member yet
    wait_for(lambda: member.record(doubtful).status == "DISPUTED", "disputed")
    correction = accept_dispute(devnet, centre, doubtful, assessment, reveals[doubtful])
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
    check_corrected(devnet, doubtful, correction, tmp_path)
    promotion = chain.proof(good)
    flipped_bytes_of_the_evidence(promotion, devnet.network.genesis("consortium"))
    forge.compare(promotion, devnet.genesis_file("consortium"), tmp_path, changes=20)
