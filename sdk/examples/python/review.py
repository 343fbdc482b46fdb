"""A member reviews what is in review and released to it: commits, reveals, and says what came of it.

    python review.py --endpoints .devnet/endpoints.json --key .devnet/enterprises/acme.key \
        --passphrase-file .devnet/passphrase --reveals reveals/acme

Run it every hour, say, or with `--wait` until the reviews it takes part in have ended. Killed, it goes on where it was:
a verdict that was committed is revealed, none is given twice.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from google.protobuf.message import Message

from talentchain import Key, Member, Network, confirm, dispute, messages
from talentchain.errors import NodeError, Rejected, ReviewError

POLL = 0.5  # seconds


def judge(content: Message) -> messages.FieldReview:
    """What you know of the person goes here. This one finds nothing wrong with up to 100 hours."""
    if isinstance(content, messages.ContinuingEducation) and content.plan.hours > 100:
        return dispute("plan.hours", proposed=b"100", evidence=b"our own file on the course")
    return confirm()


def review(member: Member, wait: bool) -> None:
    """Commits to a verdict on everything there is, then reveals what can be revealed, or waits for all of it."""
    for record_id, _ in list(member.records()):
        content = member.record(record_id).content
        if content is None or record_id in member.unrevealed():
            continue
        try:
            member.commit(record_id, judge(content))
            print(f"{member.party} committed to a verdict on {record_id.hex()}")
        except (NodeError, Rejected) as refusal:  # the commits have closed, or it was reviewed already
            print(f"{member.party} does not review {record_id.hex()}: {refusal}")
    mine = member.unrevealed()
    for record_id in mine:
        try:
            member.reveal(record_id, wait=wait)
            print(f"{member.party} revealed its verdict on {record_id.hex()}")
        except (ReviewError, NodeError, Rejected) as refusal:  # not yet, or too late
            print(f"{member.party} does not reveal its verdict on {record_id.hex()}: {refusal}")
    for record_id in mine if wait else []:
        while (record := member.record(record_id)).status == "IN_REVIEW":
            time.sleep(POLL)
        print(f"{record_id.hex()} is {record.status}")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", required=True)
    parser.add_argument("--chain", default="consortium")
    parser.add_argument("--key", required=True)
    parser.add_argument("--passphrase-file", required=True, type=Path)
    parser.add_argument("--reveals", required=True, help="folder for what must not be lost until it is revealed")
    parser.add_argument("--wait", action="store_true", help="until the reviews have ended")
    options = parser.parse_args()
    key = Key.load(options.key, options.passphrase_file.read_text().strip())
    with Network.load(options.endpoints).client(options.chain, key) as chain:
        member = Member(chain, options.reveals)
        review(member, options.wait)
        points = member.points()
        print(f"{member.party} has {points.balance} points, and {points.waiting} waiting")
        for line in points.lines:
            print(f"  {line.delta:+} ({line.waiting:+} waiting) {line.reason}: record {line.record_id.hex()}")


if __name__ == "__main__":
    main()
