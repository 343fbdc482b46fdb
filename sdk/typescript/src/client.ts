// A node, its chains and the services behind them.
import { type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";

import { Chain } from "./chain.js";
import { TalentError } from "./errors.js";
import * as node from "./node.js";
import { type CallOptions, Connection } from "./rpc.js";
import { toHex } from "./verify/bytes.js";

export interface ConnectOptions {
  /** "127.0.0.1:9001", or another name that the certificate has. */
  address: string;
  /** PEM text of the node's grpc.crt: the only certificate that is believed. */
  certificate: string | Uint8Array;
}

export class Client {
  private constructor(private readonly connection: Connection) {}

  /** Throws TalentError UNAVAILABLE where no node with the pinned certificate answers. */
  static async connect({ address, certificate }: ConnectOptions): Promise<Client> {
    const client = new Client(new Connection(address, certificate));
    try {
      await client.status();
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  close(): void {
    this.connection.close();
  }

  /** The node, its chains and where each stands. */
  status(): Promise<node.GetStatusResponse> {
    return this.call(node.Node.method.getStatus, {});
  }

  /** The chain of this name or hexadecimal id, or the only one of this tier. Throws TalentError NOT_FOUND. */
  async chain(name: string): Promise<Chain> {
    const { chains } = await this.status();
    const named = chains.filter((chain) => chain.name === name || toHex(chain.chainId) === name.toLowerCase());
    const found = named.length > 0 ? named : chains.filter((chain) => chain.tier === name);
    if (found.length === 1) return new Chain(this.connection, found[0]!.chainId, found[0]!.name);
    const known = chains.map((chain) => chain.name).join(", ");
    throw new TalentError("NOT_FOUND", `${found.length ? "more than one" : "no"} chain is called '${name}'; there are: ${known}`);
  }

  /** Any unary method: `client.call(node.Market.method.getCareer, {…})`. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return this.connection.unary(method, request, options);
  }
}
