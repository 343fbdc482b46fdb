"""Compares the Python package's verifier (sdk/python) with the light client on proofs with any one byte changed, and
docs/protocol.md's worked example with the code: protocol_test.py MAKE_PROOFS [N], for every byte or every N-th. Of what the
package needs, it needs PyNaCl.
"""
import contextlib
import io
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "protocol.md"

# Behind an installed one, which is then what is tested.
sys.path.append(str(ROOT / "sdk" / "python" / "src"))
from talentchain import Genesis, Proof, ProofRefused
from talentchain.verify import main as verify


def run(*arguments):
    """Exit code of the verifier as a program, its output swallowed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return verify([str(a) for a in arguments])


def verdict(proof, genesis):
    try:
        Proof(proof, genesis)
        return "holds"
    except ProofRefused as error:
        return error.step


def compare(folder, name, every):
    """Differences from what the light client says."""
    genesis = Genesis((folder / f"{name}.genesis").read_bytes())
    good = (folder / f"{name}.proof").read_bytes()
    expected = (folder / f"{name}.verdicts").read_text().splitlines()
    assert len(expected) == len(good), name
    assert run(folder / f"{name}.proof", folder / f"{name}.genesis") == 0, name
    differences, looked_at = [], list(enumerate(expected))[::every]
    for i, theirs in looked_at:
        bad = bytearray(good)
        bad[i] ^= 1 << i % 8
        ours = verdict(bytes(bad), genesis)
        if ours != theirs:
            differences.append(f"{name}, byte {i}: '{ours}', the light client says '{theirs}'")
    refused = sum(step != "holds" for _, step in looked_at)
    print(f"{name}: {refused} of {len(looked_at)} changed bytes refused, each at the same step")
    # A changed key of a proof of absence may share the absent one's place; everything else is refused.
    if refused < len(looked_at) * 99 // 100:
        differences.append(f"{name}: {len(looked_at) - refused} changed bytes accepted")
    return differences


def check_refusals(folder):
    """Cut, lengthened, another chain's genesis, no file: 1 where it was checked, 2 where it could not be."""
    proof, genesis = folder / "plain.proof", folder / "plain.genesis"
    good = proof.read_bytes()
    for bad in (good[:-1], good + b"\0", good + good, b""):
        (folder / "bad").write_bytes(bad)
        assert run(folder / "bad", genesis) == 1, bad
    (folder / "bad").write_bytes(genesis.read_bytes() + b" ")
    assert run(proof, folder / "bad") == 1
    (folder / "bad").write_bytes(b"{}")
    assert run(proof, folder / "bad") == 2
    assert run(proof, folder / "none") == 2
    assert run(proof) == 2


def check_examples(folder):
    """The worked example in the document is what the code makes."""
    document = DOCUMENT.read_text()
    text = re.sub(r"\s", "", document)
    genesis = (folder / "example.genesis").read_text()
    wrong = [] if genesis in document else [f"docs/protocol.md, worked example: the genesis should be {genesis}"]
    for line in (folder / "examples").read_text().splitlines():
        name, value = line.split()
        if value not in text:
            wrong.append(f"docs/protocol.md, worked example: {name} should be {value}")
    assert run(folder / "example.proof", folder / "example.genesis") == 0
    return wrong


def main():
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.argv[1], name], check=True)
        problems = [p for case in ("plain", "statements", "withheld", "epochs") for p in compare(folder, case, every)]
        check_refusals(folder)
        problems += check_examples(folder)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
