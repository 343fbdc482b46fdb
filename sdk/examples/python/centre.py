"""A centre writes a record that the members of the consortium then review. On a devnet you hold its key too.

    python centre.py --endpoints .devnet/endpoints.json --key .devnet/nodes/centre-1/keys/party.key \
        --passphrase-file .devnet/passphrase

Registers a person (a made-up one), with the person's consent, and puts its continuing education on the private chain.
The chain's policy lets such a record leave at value class 0, which every member may read at once. Prints its id.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from google.protobuf.message import Message
from nacl.utils import random

from talentchain import Client, Disclosure, Key, Network
from talentchain import messages as m


def put(chain: Client, message: Message, disclosure: Disclosure = Disclosure.PRIVATE) -> bytes:
    """Writes a record; its id."""
    return chain.submit_and_wait(chain.sign(message, disclosure=disclosure)).tx_id


def register_person(chain: Client) -> bytes:
    """The id of a person who is made up, and has consented to disclosure."""
    person = random(32)  # in earnest: a salted hash of an identity document
    custodian = chain.party()
    put(
        chain,
        m.SubjectRegistered(subject_id=person, commitment=random(32), custodian=custodian, consent_version=1),
    )
    tiers = [m.CONSENT_TIER_CONSORTIUM, m.CONSENT_TIER_PUBLIC]
    until = int(time.time() * 1000) + 86_400_000
    put(chain, m.ConsentGiven(subject_id=person, tiers=tiers, purpose="review", until_ms=until))
    return person


def make_assessment(person: bytes, value: int) -> m.AbilityAssessed:
    """An assessment on entry."""
    score = m.Score(dimension="analysis", value=value)
    entry = m.ASSESSMENT_PHASE_ENTRY
    return m.AbilityAssessed(subject_id=person, scores=[score], method="interview", assessor="board-7", phase=entry)


def write_record(chain: Client) -> bytes:
    """The id of a new record, which the consortium will have within a second or two."""
    person = register_person(chain)
    before = put(chain, make_assessment(person, 6200))
    plan = m.TrainingPlan(courses=["data engineering"], hours=80, budget=100_000, bar=6500, before_assessment=before)
    figures = m.MarketFigures(policy_version=1)  # nobody has invested in this person
    education = m.ContinuingEducation(subject_id=person, plan=plan, figures=figures)
    return put(chain, education, Disclosure.FULL)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", required=True)
    parser.add_argument("--chain", default="private-a")
    parser.add_argument("--key", required=True)
    parser.add_argument("--passphrase-file", required=True, type=Path)
    options = parser.parse_args()
    key = Key.load(options.key, options.passphrase_file.read_text().strip())
    with Network.load(options.endpoints).client(options.chain, key) as chain:
        print(write_record(chain).hex())


if __name__ == "__main__":
    main()
