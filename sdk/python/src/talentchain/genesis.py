"""A chain's genesis file: what a client trusts. Everything else is proven from it."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from .crypto import HASH_SIZE, tagged_hash
from .errors import ProofRefused

MAX_BYTES = 1 << 20
MAX_VALIDATORS = 100
NAME = re.compile("[a-z0-9-]{1,64}")


def require(condition: object, step: str, why: object) -> None:
    """Refuses where `condition` does not hold."""
    if not condition:
        raise ProofRefused(step, why)


class ValidatorSet:
    """The validators of an epoch: `validators` are (name, vote key, node key), which seal heights `first` to `last`.

    `last` is None while no later epoch is known here.
    """

    def __init__(self, epoch: int, validators: list[tuple[str, bytes, bytes]], step: str, first: int = 1) -> None:
        keys = [key for _, vote, node in validators for key in (vote, node)]
        names = [name for name, _, _ in validators]
        require(1 <= len(names) <= MAX_VALIDATORS, step, f"{len(names)} validators")
        require(all(names) and len(set(names)) == len(names), step, "a name is empty or used twice")
        require(all(len(key) == HASH_SIZE for key in keys) and len(set(keys)) == len(keys), step, "keys")
        self.epoch = epoch
        self.first = first
        self.last: int | None = None
        self.validators = validators
        self.quorum = (len(names) + (len(names) - 1) // 3) // 2 + 1
        self.hash = tagged_hash(
            "talent/validators/v1",
            epoch.to_bytes(8, "big")
            + b"".join(
                len(name.encode()).to_bytes(4, "big") + name.encode() + vote + node for name, vote, node in validators
            ),
        )

    def ended(self, last: int) -> ValidatorSet:
        """The same set, known to have sealed height `last` as its last."""
        out = copy.copy(self)
        out.last = last
        return out


class Genesis:
    """Reads what a client needs; everything else in the file is covered by the chain id.

    `chain_id`, `name`, `tier` ("private", "consortium", "public"), `validators` (of epoch 0). Raises ProofRefused
    with step "genesis".
    """

    def __init__(self, data: bytes) -> None:
        require(len(data) <= MAX_BYTES, "genesis", "over 1 MiB")
        try:
            fields = json.loads(data.decode(), object_pairs_hook=_unique)
            require(fields["format"] == 1 and fields["suite"] == "ed25519-sha256", "genesis", "format or suite")
            self.name: str = fields["name"]
            self.tier: str = fields["tier"]
            validators = [
                (v["name"], bytes.fromhex(v["vote_key"]), bytes.fromhex(v["node_key"])) for v in fields["validators"]
            ]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProofRefused("genesis", error) from None
        require(all(NAME.fullmatch(name) for name, _, _ in validators), "genesis", "a name")
        self.data = data
        self.fields: dict[str, Any] = fields
        self.chain_id = tagged_hash("talent/genesis/v1", data)
        self.validators = ValidatorSet(0, validators, "genesis")

    @classmethod
    def load(cls, path: str | Path) -> Genesis:
        """Reads a file. Raises OSError, ProofRefused."""
        return cls(Path(path).read_bytes())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len(dict(pairs)) == len(pairs), "genesis", "a field stands twice")
    return dict(pairs)
