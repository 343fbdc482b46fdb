"""Runs every code block of a document, in order, as its reader would: run_document.py DOCUMENT FOLDER.

Blocks of `sh` go to a shell, blocks of `python` into one interpreter, both in FOLDER; the first that fails ends it. A
block marked `text`, or without a language, is for looking at.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """See above."""
    document, folder = Path(sys.argv[1]).resolve(), sys.argv[2]
    os.chdir(folder)
    names: dict[str, object] = {"__name__": "__main__"}
    blocks = BLOCK.findall(document.read_text())
    for number, (language, text) in enumerate(blocks, 1):
        began = time.monotonic()
        if language == "sh":
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True)
        else:
            exec(compile(text, f"{document.name}, block {number}", "exec"), names)
        print(f"--- {document.name}, block {number} of {len(blocks)}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
