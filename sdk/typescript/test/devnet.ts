// A network of real nodes on loopback, for as long as a test file runs.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { Chain, Client, type KeyPair, Network, readKeyFile } from "talentchain";

import { TALENTD } from "./environment.js";

/** Talks to a talentd that is told everything by its arguments. Throws where it exits with anything but 0. */
export async function talentd(...args: string[]): Promise<string> {
  return (await promisify(execFile)(TALENTD, args)).stdout;
}

export class Devnet {
  readonly dir = mkdtempSync(path.join(tmpdir(), "talent-devnet-"));
  readonly net = path.join(this.dir, "net");
  readonly endpoints = path.join(this.net, "endpoints.json");
  readonly passphraseFile = path.join(this.net, "passphrase");
  network!: Network;
  private readonly clients: Client[] = [];

  async start(): Promise<void> {
    await talentd("devnet", "--dir", this.net, "--start-only");
    this.network = await Network.load(this.endpoints);
  }

  stop(): void {
    for (const client of this.clients) client.close();
    execFileSync(TALENTD, ["devnet", "--dir", this.net, "--clean"], { stdio: "ignore" });
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The devnet's passphrase, the same for every key. */
  get passphrase(): string {
    return readFileSync(this.passphraseFile, "utf8").trimEnd();
  }

  keyFile(party: string): string {
    const enterprise = path.join(this.net, "enterprises", `${party}.key`);
    return party.startsWith("centre") ? path.join(this.net, "nodes", party, "keys", "party.key") : enterprise;
  }

  key(party: string): Promise<KeyPair> {
    return readKeyFile(this.keyFile(party), this.passphrase);
  }

  async connect(node: string): Promise<Client> {
    const client = await this.network.connect(node);
    this.clients.push(client);
    return client;
  }

  /** A chain on a node, with the party logged in. */
  async session(node: string, chain: string, party: string): Promise<Chain> {
    const session = await (await this.connect(node)).chain(chain);
    await session.login(await this.key(party));
    return session;
  }

  /** Address and certificate of a node. */
  node(name: string): { address: string; certificate: Buffer } {
    const file = JSON.parse(readFileSync(this.endpoints, "utf8")) as { nodes: { name: string; grpc: string; tls_ca: string }[] };
    const { grpc, tls_ca } = file.nodes.find((node) => node.name === name)!;
    return { address: grpc, certificate: readFileSync(tls_ca) };
  }
}

/** Passes connections on, and can break them. */
export class Proxy {
  private readonly open = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async to(target: string): Promise<Proxy> {
    const [host, port] = target.split(":");
    const proxy = new Proxy(createServer((client) => {
      const node = connect(Number(port), host);
      for (const [from, to] of [[client, node], [node, client]] as const) {
        proxy.open.add(from);
        from.on("error", () => to.destroy()).on("close", () => to.destroy()).pipe(to);
      }
    }));
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  breakConnections(): void {
    for (const socket of this.open) socket.destroy();
    this.open.clear();
  }

  close(): void {
    this.breakConnections();
    this.server.close();
  }
}
