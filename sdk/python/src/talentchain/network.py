"""A network's endpoints.json, as `talentd devnet` and operators write it: its chains and nodes."""

from __future__ import annotations

import json
from pathlib import Path

from .client import Client
from .errors import NotFound
from .genesis import Genesis
from .keys import Key
from .rpc import Endpoint


class Network:
    """The chains and nodes of one network::

    network = Network.load(".devnet/endpoints.json")
    with network.client("consortium", key) as chain: ...
    """

    def __init__(self, chains: dict[str, Genesis], nodes: dict[str, Endpoint]) -> None:
        self.chains = chains
        self.nodes = nodes

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Reads the file, and the genesis files and certificates it names. Raises OSError, ValueError, KeyError."""
        path = Path(path).absolute()
        fields = json.loads(path.read_text())
        chains = {}
        for chain in fields["chains"]:
            genesis = Genesis.load(path.parent / chain["genesis"])
            if genesis.chain_id.hex() != chain["id"]:
                raise ValueError(f"{chain['genesis']} is not the genesis file of chain {chain['id']}")
            chains[genesis.name] = genesis
        nodes = {n["name"]: Endpoint(n["grpc"], (path.parent / n["tls_ca"]).read_bytes()) for n in fields["nodes"]}
        return cls(chains, nodes)

    def genesis(self, chain: str) -> Genesis:
        """Of a chain by name, or by tier where there is one of it. Raises NotFound."""
        of_tier = [genesis for genesis in self.chains.values() if genesis.tier == chain]
        if chain in self.chains:
            return self.chains[chain]
        if len(of_tier) == 1:
            return of_tier[0]
        raise NotFound(f"{'more than one' if of_tier else 'no'} chain is called '{chain}': {', '.join(self.chains)}")

    def client(self, chain: str, key: Key | None = None, *, nodes: list[str] | None = None) -> Client:
        """A client of a chain, of the nodes named (default: all, of which it finds those that host the chain)."""
        names = list(self.nodes) if nodes is None else nodes
        return Client(self.genesis(chain), [self.nodes[name] for name in names], key)
