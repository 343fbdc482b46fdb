"""Asking to be let in: the statement that the centres of a chain vote on (`talentd member propose admit`)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from . import messages
from .encoding import encode
from .genesis import NAME, Genesis
from .keys import Key

MAX_KEYS = 64


def apply_for_membership(genesis: Genesis, party: str, keys: Sequence[Key], *, role: str = "enterprise") -> str:
    """The text of a statement file, as `talentd member statement` writes it: send it to a centre of the chain.

    `party` is the id to be known by, the same on every chain of the network; each of `keys` signs, which proves that
    it is held. The same serves for other keys of a party that is in (`talentd member propose rekey`).
    """
    if NAME.fullmatch(party) is None:
        raise ValueError("a party's id is 1 to 64 of a-z, 0-9 and -")
    if not 1 <= len(keys) <= MAX_KEYS:
        raise ValueError(f"a party has 1 to {MAX_KEYS} keys")
    roles = {"enterprise": messages.PARTY_ROLE_ENTERPRISE, "centre": messages.PARTY_ROLE_CENTRE}
    statement = encode(messages.PartyStatement(id=party, role=roles[role], keys=[key.public for key in keys]))
    fields = {
        "chain": genesis.name,
        "chain_id": genesis.chain_id.hex(),
        "signatures": [key.sign("talent/sign/offer/v1", genesis.chain_id, statement).hex() for key in keys],
        "statement": statement.hex(),
    }
    return json.dumps(fields, indent=2) + "\n"
