// Calls of the services in proto/talent/node over @grpc/grpc-js.
import { isIP } from "node:net";
import { type PeerCertificate, checkServerIdentity } from "node:tls";

import {
  type DescMessage, type DescMethodServerStreaming, type DescMethodUnary, type MessageInitShape, type MessageShape,
  create, fromBinary, toBinary,
} from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, Metadata, type ServiceError, credentials } from "@grpc/grpc-js";

import { TalentError, fromServiceError } from "./errors.js";

/** Longest a call takes, those that wait for an outcome apart. */
export const CALL_TIMEOUT_MS = 10_000;
/** Largest answer taken: a block with its payloads is at most some MiB. */
const MAX_ANSWER_BYTES = 64 << 20;

export interface CallOptions {
  token?: string | undefined;
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

function metadataOf({ token }: CallOptions): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

const pathOf = (method: { name: string; parent: { typeName: string } }) => `/${method.parent.typeName}/${method.name}`;
const encoder = <I extends DescMessage>(schema: I) => (message: MessageShape<I>) => Buffer.from(toBinary(schema, message));
const decoder = <O extends DescMessage>(schema: O) => (bytes: Buffer) => fromBinary(schema, bytes);

/**
 * TLS with `certificate` as the only root. Where the address is an IP, Node warns of the server name that the library
 * would send; another is sent then, and the address compared with the certificate as ever.
 */
function tlsTo(address: string, certificate: string | Uint8Array) {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const roots = Buffer.from(certificate);
  if (isIP(host) === 0) return { tls: credentials.createSsl(roots), options: {} };
  const check = (_: string, peer: PeerCertificate) => checkServerIdentity(host, peer);
  return {
    tls: credentials.createSsl(roots, null, null, { checkServerIdentity: check }),
    options: { "grpc.ssl_target_name_override": "talentd" },
  };
}

/** A connection to one node, which shows the certificate that was pinned and no other. */
export class Connection {
  private readonly client: Client;

  constructor(readonly address: string, certificatePem: string | Uint8Array) {
    const { tls, options } = tlsTo(address, certificatePem);
    this.client = new Client(address, tls, {
      ...options,
      "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
      "grpc.use_local_subchannel_pool": 1, // two connections of a program never share a broken one
    });
  }

  close(): void {
    this.client.close();
  }

  /** Throws TalentError, or the signal's reason. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = () => call.cancel();
      const done = (error: ServiceError | null, answer?: MessageShape<O>) => {
        signal?.removeEventListener("abort", abort);
        if (error === null) resolve(answer!);
        else reject(signal?.aborted ? signal.reason : fromServiceError(error));
      };
      const call = this.client.makeUnaryRequest(pathOf(method), encoder(method.input), decoder(method.output),
        create(method.input, request), metadataOf(options), { deadline: Date.now() + timeoutMs }, done);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Answers as they come; the next is asked for when the last was taken. Throws TalentError, or the signal's reason. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const { signal } = options;
    signal?.throwIfAborted();
    const call: ClientReadableStream<MessageShape<O>> = this.client.makeServerStreamRequest(pathOf(method),
      encoder(method.input), decoder(method.output), create(method.input, request), metadataOf(options));
    const abort = () => call.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      yield* call as AsyncIterable<MessageShape<O>>;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof TalentError ? error : fromServiceError(error as ServiceError);
    } finally {
      signal?.removeEventListener("abort", abort);
      call.on("error", () => undefined); // of the cancellation, where the caller has left
      call.cancel();
    }
  }
}
