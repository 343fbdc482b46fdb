"""Client of a Talentchain network: keys, transactions, following, reviews, and proofs that are checked offline.

Network, Client     a chain, through its nodes: submit, read, prove, follow
Follower, Block     sealed blocks, in order, each checked
Key                 signs; kept in an encrypted file
Member              reviews by commit and reveal, disputes, points
Genesis, Proof      a proof, checked from the genesis file alone; needs no node and no gRPC
messages            the messages of transactions and state
errors              everything that is raised on purpose
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors, messages
    from .client import Client, Found
    from .errors import ProofRefused, TalentError
    from .follower import Block, BlockTransaction, Follower
    from .genesis import Genesis
    from .keys import Key, key_file_info
    from .member import Member, Points, PointsLine, PromotedRecord, confirm, dispute
    from .membership import apply_for_membership
    from .network import Network
    from .proof import Proof, RecordStanding, StateFact
    from .rpc import Endpoint
    from .transaction import Disclosure, Outcome, Receipt, Transaction

# Loaded when first used, so that who only checks proofs needs neither gRPC nor protobuf.
_WHERE = {
    "client": ("Client", "Found"),
    "errors": ("ProofRefused", "TalentError"),
    "follower": ("Block", "BlockTransaction", "Follower"),
    "genesis": ("Genesis",),
    "keys": ("Key", "key_file_info"),
    "member": ("Member", "Points", "PointsLine", "PromotedRecord", "confirm", "dispute"),
    "membership": ("apply_for_membership",),
    "network": ("Network",),
    "proof": ("Proof", "RecordStanding", "StateFact"),
    "rpc": ("Endpoint",),
    "transaction": ("Disclosure", "Outcome", "Receipt", "Transaction"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "Block",
    "BlockTransaction",
    "Client",
    "Disclosure",
    "Endpoint",
    "Follower",
    "Found",
    "Genesis",
    "Key",
    "Member",
    "Network",
    "Outcome",
    "Points",
    "PointsLine",
    "PromotedRecord",
    "Proof",
    "ProofRefused",
    "Receipt",
    "RecordStanding",
    "StateFact",
    "TalentError",
    "Transaction",
    "apply_for_membership",
    "confirm",
    "dispute",
    "errors",
    "key_file_info",
    "messages",
]


def __getattr__(name: str) -> Any:
    if name in ("errors", "messages"):
        return importlib.import_module(f".{name}", __name__)
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
