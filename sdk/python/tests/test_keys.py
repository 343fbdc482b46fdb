"""Key files: ours and talentd's are the same."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from conftest import run_talentd
from talentchain import Key, key_file_info
from talentchain.errors import KeyFileError


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text("correct horse")
    file.chmod(0o600)
    return file


def test_reads_what_talentd_writes(tmp_path: Path, passphrase: Path) -> None:
    file = tmp_path / "party.key"
    run_talentd("keys", "new", file, "--purpose", "party:acme", "--kdf", "interactive", "--passphrase-file", passphrase)
    key = Key.load(file, "correct horse")
    assert key_file_info(file) == ("party:acme", key.public)
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        Key.load(file, "correct house")


def test_talentd_reads_what_it_writes(tmp_path: Path, passphrase: Path) -> None:
    file = tmp_path / "party.key"
    key = Key.generate()
    key.save(file, "correct horse", purpose="party:acme", cost="interactive")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = run_talentd("keys", "show", file, "--check", "--passphrase-file", passphrase, "--output", "json")
    assert json.loads(shown)["public_key"] == key.public.hex()
    assert Key.load(file, b"correct horse").public == key.public
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("party")] == ["party.key"]


def test_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "party.key"
    file.write_text("mine")
    with pytest.raises(KeyFileError, match="there already"):
        Key.generate().save(file, "x", purpose="party:acme", cost="interactive")
    assert file.read_text() == "mine"


def test_refuses_a_file_that_others_may_read(tmp_path: Path) -> None:
    file = tmp_path / "party.key"
    Key.generate().save(file, "x", purpose="party:acme", cost="interactive")
    file.chmod(0o640)
    with pytest.raises(KeyFileError, match="0600"):
        Key.load(file, "x")


def test_refuses_every_other_spelling_without_asking_for_memory(tmp_path: Path) -> None:
    file = tmp_path / "party.key"
    Key.generate().save(file, "x", purpose="party:acme", cost="interactive")
    good = file.read_text()
    bad = [
        "",
        "{}",
        "[]",
        good[:-1],
        good + "\n",
        good.replace("\n", ""),
        good.replace('"format": 1', '"format": 2'),
        good.replace("argon2id", "argon2i"),
        good.replace("xchacha20poly1305", "none"),
        good.replace('"ops": 2', '"ops": 5'),
        good.replace('"memory_bytes": 67108864', '"memory_bytes": 10737418240'),
        good.replace('"memory_bytes": 67108864', '"memory_bytes": "67108864"'),
        good.replace("party:acme", ""),
        good.replace("party:acme", "party:\u00e4cme"),
        good.replace('"box": "', '"box": "00'),
        good.replace('"purpose"', '"more": 1,\n  "purpose"'),
    ]
    for text in bad:
        assert text != good
        file.write_text(text)
        with pytest.raises(KeyFileError):
            key_file_info(file)


def test_a_changed_header_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "party.key"
    Key.generate().save(file, "x", purpose="party:acme", cost="interactive")
    file.write_text(file.read_text().replace("party:acme", "party:acmf"))
    with pytest.raises(KeyFileError, match="damaged"):
        Key.load(file, "x")
