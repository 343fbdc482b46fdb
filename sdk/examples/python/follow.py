"""Follows a chain block by block, across restarts of this program, of nodes, and lost connections.

    python follow.py --endpoints .devnet/endpoints.json --chain public --cursor public.cursor

The height to go on from is in the file of `--cursor`. With `--once` it ends at what is the head when it starts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from talentchain import Key, Network


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", required=True)
    parser.add_argument("--chain", default="public")
    parser.add_argument("--cursor", required=True, type=Path)
    parser.add_argument("--key", help="of a party, to see payloads of a chain that is not public")
    parser.add_argument("--passphrase-file", type=Path)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    key = Key.load(options.key, options.passphrase_file.read_text().strip()) if options.key else None
    height = int(options.cursor.read_text()) if options.cursor.exists() else 1
    with Network.load(options.endpoints).client(options.chain, key) as chain:
        for block in chain.follow(height, until=chain.height() if options.once else None):
            kinds = ", ".join(transaction.kind for transaction in block.transactions) or "empty"
            print(f"block {block.height} {block.hash.hex()}: {kinds}", flush=True)
            options.cursor.write_text(str(block.height + 1))


if __name__ == "__main__":
    main()
