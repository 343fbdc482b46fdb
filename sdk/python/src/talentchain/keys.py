"""Keys, and the encrypted files they are kept in (the same as `talentd keys new` writes)."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from nacl import bindings, pwhash
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey
from nacl.utils import random

from .crypto import signed_bytes
from .errors import KeyFileError

_MAX_FILE_BYTES = 4096
_MAX_PURPOSE = 100
_HEADER = ("format", "purpose", "public_key", "kdf", "cipher", "nonce")
_COSTS = {
    "interactive": (pwhash.argon2id.OPSLIMIT_INTERACTIVE, pwhash.argon2id.MEMLIMIT_INTERACTIVE),
    "moderate": (pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE),
    "sensitive": (pwhash.argon2id.OPSLIMIT_SENSITIVE, pwhash.argon2id.MEMLIMIT_SENSITIVE),
}


class Key:
    """An Ed25519 key that signs for a party, or for a person.

    `public` are its 32 bytes, by which chains know it. Keep it in a file, under a passphrase: `save` and `load`.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.public = bytes(self._key.verify_key)

    def __repr__(self) -> str:
        return f"Key({self.public.hex()})"

    @classmethod
    def generate(cls) -> Key:
        """A new key, of the operating system's randomness."""
        return cls(random(bindings.crypto_sign_SEEDBYTES))

    def sign(self, purpose: str, chain: bytes, body: bytes) -> bytes:
        """Sign(key, purpose, chain, body) of docs/protocol.md: 64 bytes."""
        return self._key.sign(signed_bytes(purpose, chain, body)).signature

    @classmethod
    def load(cls, path: str | Path, passphrase: str | bytes) -> Key:
        """Reads a key file. Raises KeyFileError: wrong passphrase, damaged, or open to others than its owner."""
        path = Path(path)
        header, box = _parse(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileError(f"{path} is open to others than its owner; set its mode to 0600")
        kdf = header["kdf"]
        box_key = _derive(passphrase, bytes.fromhex(kdf["salt"]), kdf["ops"], kdf["memory_bytes"])
        try:
            seed = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
                box, _associated(header), bytes.fromhex(header["nonce"]), box_key
            )
        except CryptoError:
            raise KeyFileError(f"{path}: wrong passphrase, or the file is damaged") from None
        key = cls(seed)
        if key.public.hex() != header["public_key"]:
            raise KeyFileError(f"{path}: its public key is not that of its secret")
        return key

    def save(self, path: str | Path, passphrase: str | bytes, *, purpose: str, cost: str = "sensitive") -> None:
        """Writes a key file, mode 0600; never overwrites one.

        `purpose` says what the key is for ("party:acme"), in clear. `cost` of guessing the passphrase: "interactive"
        (tenths of a second), "moderate", "sensitive" (seconds and 1 GiB). Raises KeyFileError, OSError.
        """
        _check_purpose(purpose)
        ops, memory = _COSTS[cost]
        salt = random(pwhash.argon2id.SALTBYTES)
        nonce = random(bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
        header = {
            "format": 1,
            "purpose": purpose,
            "public_key": self.public.hex(),
            "kdf": {"name": "argon2id", "ops": ops, "memory_bytes": memory, "salt": salt.hex()},
            "cipher": "xchacha20poly1305",
            "nonce": nonce.hex(),
        }
        box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
            bytes(self._key), _associated(header), nonce, _derive(passphrase, salt, ops, memory)
        )
        try:
            write_private(Path(path), _render(header, box).encode(), replace=False)
        except FileExistsError:
            raise KeyFileError(f"{path} is there already; key files are never overwritten") from None


def key_file_info(path: str | Path) -> tuple[str, bytes]:
    """Purpose and public key of a key file, without its passphrase; not authenticated."""
    header, _ = _parse(Path(path))
    return header["purpose"], bytes.fromhex(header["public_key"])


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Writes a file of mode 0600 that is there whole, and on the disk, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(name, path)
        else:
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_purpose(purpose: str) -> None:
    if not 1 <= len(purpose) <= _MAX_PURPOSE or any(not " " <= c <= "~" for c in purpose):
        raise KeyFileError(f"a key's purpose is 1 to {_MAX_PURPOSE} printable ASCII characters")


def _derive(passphrase: str | bytes, salt: bytes, ops: int, memory: int) -> bytes:
    secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    try:
        return pwhash.argon2id.kdf(
            bindings.crypto_aead_xchacha20poly1305_ietf_KEYBYTES, secret, salt, opslimit=ops, memlimit=memory
        )
    except (CryptoError, MemoryError):
        raise KeyFileError(f"cannot get the {memory} bytes of memory that the key file's kdf needs") from None


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode()


def _render(header: dict[str, Any], box: bytes) -> str:
    return json.dumps({**header, "box": box.hex()}, indent=2) + "\n"


def _parse(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1).decode()
        fields = json.loads(text)
        header, box = {name: fields[name] for name in _HEADER}, bytes.fromhex(fields["box"])
        kdf = header["kdf"]
        known = header["format"] == 1 and header["cipher"] == "xchacha20poly1305" and kdf["name"] == "argon2id"
        most_ops, most_memory = _COSTS["sensitive"]  # so that a hostile file takes neither memory nor hours
        within = 1 <= kdf["ops"] <= most_ops and pwhash.argon2id.MEMLIMIT_MIN <= kdf["memory_bytes"] <= most_memory
        sizes = (len(bytes.fromhex(header["public_key"])), len(bytes.fromhex(kdf["salt"])), len(box))
        nonce = len(bytes.fromhex(header["nonce"]))
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeyFileError(f"{path} is no key file: {error}") from None
    if not known or not within or (*sizes, nonce) != (32, 16, 48, 24) or _render(header, box) != text:
        raise KeyFileError(f"{path}: not laid out as key files are, or of another format")
    _check_purpose(header["purpose"])
    return header, box
