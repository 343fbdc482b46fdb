"""Hashes, signatures and Merkle paths of docs/protocol.md. Pure functions over bytes."""

from __future__ import annotations

import hashlib

from nacl.exceptions import BadSignatureError
from nacl.exceptions import ValueError as NaclValueError
from nacl.signing import VerifyKey

HASH_SIZE = 32
SIGNATURE_SIZE = 64
MAX_PATH = 64  # siblings of a Merkle path; no block has 2^64 transactions


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def tag(name: str) -> bytes:
    """A domain tag: the text, padded with zero bytes to 32."""
    return name.encode().ljust(32, b"\0")


def tagged_hash(name: str, data: bytes) -> bytes:
    """TaggedHash(name, data)."""
    return sha256(tag(name) + data)


def signed_bytes(purpose: str, chain: bytes, body: bytes) -> bytes:
    """What Sign(key, purpose, chain, body) signs."""
    return tag(purpose) + chain + body


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 as docs/protocol.md, "Domain tags", has it: libsodium's checks."""
    try:
        VerifyKey(key).verify(message, signature)
        return True
    except (BadSignatureError, NaclValueError, ValueError):
        return False


def verifies(key: bytes, purpose: str, chain: bytes, body: bytes, signature: bytes) -> bool:
    """Whether `signature` is Sign(key, purpose, chain, body)."""
    return verify_ed25519(key, signed_bytes(purpose, chain, body), signature)


def leaf_hash(leaf: bytes) -> bytes:
    """Of a leaf of a Merkle tree (RFC 6962, section 2.1)."""
    return sha256(b"\0" + leaf)


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else sha256(b"")
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + merkle_root(leaves[:half]) + merkle_root(leaves[half:]))


def merkle_problem(leaf: bytes, index: int, count: int, path: list[bytes], root: bytes) -> str | None:
    """Why `path` does not lead from the leaf hash at `index` of `count` to `root`; None where it does."""
    if len(path) > MAX_PATH or any(len(hash_) != HASH_SIZE for hash_ in (leaf, *path, root)):
        return "the size of a hash"
    if index >= count:
        return f"leaf {index} of {count}"
    result, node, last = leaf, index, count - 1
    for sibling in path:
        if not last:
            return "too long"
        if node % 2 or node == last:
            result = sha256(b"\1" + sibling + result)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            result = sha256(b"\1" + result + sibling)
        node, last = node // 2, last // 2
    if last:
        return "too short"
    return None if result == root else "leads to another root"
