// endpoints.json: where the nodes of a running network are, as `talentd devnet` and operators write it.
import { readFile } from "node:fs/promises";
import path from "node:path";

import { Client } from "./client.js";
import { TalentError } from "./errors.js";

interface EndpointsFile {
  chains: { id: string; tier: string; genesis: string; name?: string }[];
  nodes: { name: string; role: string; grpc: string; http: string; home: string; tls_ca: string }[];
}

export class Network {
  private constructor(private readonly folder: string, private readonly file: EndpointsFile) {}

  /** Throws TalentError: IO, INVALID_ARGUMENT. */
  static async load(endpoints: string): Promise<Network> {
    let text: string;
    try {
      text = await readFile(endpoints, "utf8");
    } catch (cause) {
      throw new TalentError("IO", `${endpoints}: ${(cause as Error).message}`, { cause });
    }
    try {
      const file = JSON.parse(text) as EndpointsFile;
      if (Array.isArray(file.chains) && Array.isArray(file.nodes)) return new Network(path.dirname(path.resolve(endpoints)), file);
    } catch {
      // said below
    }
    throw new TalentError("INVALID_ARGUMENT", `${endpoints}: not a file of chains and nodes`);
  }

  private find<T extends { name?: string }>(what: string, list: T[], name: string): T {
    const found = list.find((entry) => entry.name === name);
    if (found) return found;
    throw new TalentError("NOT_FOUND", `no ${what} '${name}'; there are: ${list.map((entry) => entry.name).join(", ")}`);
  }

  /** Connects to a node, whose certificate is the one of the file. */
  async connect(node: string): Promise<Client> {
    const { grpc, tls_ca } = this.find("node", this.file.nodes, node);
    return Client.connect({ address: grpc, certificate: await this.read(tls_ca) });
  }

  /** Bytes of a chain's genesis file. */
  async genesis(chain: string): Promise<Uint8Array> {
    return this.read(this.find("chain", this.file.chains, chain).genesis);
  }

  private async read(file: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(path.resolve(this.folder, file)));
  }
}
