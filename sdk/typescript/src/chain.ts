// One chain of a node: submitting, following, reading, proving.
import { setTimeout as pause } from "node:timers/promises";

import {
  type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape, toBinary,
} from "@bufbuild/protobuf";
import { status as grpcStatus } from "@grpc/grpc-js";

import { TalentError } from "./errors.js";
import { type KeyPair } from "./keys.js";
import * as ledger from "./ledger.js";
import { decode } from "./messages.js";
import * as node from "./node.js";
import { type CallOptions, type Connection } from "./rpc.js";
import * as tiers from "./tiers.js";
import { type SignedTransaction, type TransactionView, readTransaction, signTransaction } from "./transactions.js";
import { bigEndian, concat, fromHex, toHex, utf8 } from "./verify/bytes.js";
import { type Verdict, type VerifyOptions } from "./verify/index.js";
import { verifyProof, verifyStatement } from "./verifying.js";

/** Heights from now on for which a transaction is good. */
const VALID_FOR = 1000n;
const OUTCOME_WITHIN_MS = 60_000;
/** A node answers a waiting call after a minute at most, and a moment later the answer is here. */
const WAIT_MS = 60_000;
const ANSWER_MS = 2_000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 5_000;

/** What became of a transaction, for good. */
export interface Outcome {
  id: string;
  /** "rejected": in a block, without effect; `receipt` says why. "expired": can never take effect any more. */
  status: "sealed" | "rejected" | "expired";
  height: bigint;
  index: number;
  receipt: ledger.ReceiptCode;
}

/** Where it stands now. */
export type Standing = Outcome | { id: string; status: "unknown" | "pending" };

/** A transaction that was put into a block without effect, or came too late. */
export class NoEffect extends Error {
  override readonly name = "NoEffect";
  constructor(kind: string, readonly outcome: Outcome) {
    const why = outcome.status === "expired" ? "EXPIRED" : ledger.ReceiptCode[outcome.receipt];
    super(`${kind} ${outcome.id} took no effect: ${why}`);
  }
}

export interface WaitOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}
export interface SendOptions extends WaitOptions {
  disclosure?: ledger.Disclosure;
  /** Heights from the chain's head on; 1000 by default. */
  validFor?: bigint;
}

export interface Block {
  height: bigint;
  hash: string;
  timeMs: bigint;
  header: ledger.BlockHeader;
  transactions: TransactionView[];
}

/** A part of a state key: text, an id in bytes, or a number. */
export type KeyPart = string | Uint8Array | bigint;
/** `stateKey("rec/", idBytes("…"))`: text as UTF-8, numbers as 8 bytes, big-endian. */
export function stateKey(...parts: KeyPart[]): Uint8Array {
  return concat(...parts.map((part) =>
    typeof part === "string" ? utf8(part) : typeof part === "bigint" ? bigEndian(part, 8) : part));
}

/** The 32 bytes of an id in hexadecimal. Throws TalentError INVALID_ARGUMENT. */
export function idBytes(id: string): Uint8Array {
  const bytes = fromHex(id);
  if (bytes?.length === 32) return bytes;
  throw new TalentError("INVALID_ARGUMENT", `'${id}' is no id: 64 hexadecimal digits are expected`);
}

const worthAnotherTry = (error: unknown): error is TalentError =>
  error instanceof TalentError && (error.code === "UNAVAILABLE" || error.code === "EXHAUSTED");

function standingOf(id: string, state: node.TransactionState | undefined): Standing {
  const { height = 0n, index = 0, receipt = ledger.ReceiptCode.OK } = state ?? {};
  switch (state?.status) {
    case node.TransactionStatus.SEALED:
      return { id, status: "sealed", height, index, receipt };
    case node.TransactionStatus.REJECTED:
      return { id, status: "rejected", height, index, receipt };
    case node.TransactionStatus.EXPIRED:
      return { id, status: "expired", height, index, receipt: ledger.ReceiptCode.EXPIRED };
    case node.TransactionStatus.PENDING:
      return { id, status: "pending" };
    default:
      return { id, status: "unknown" };
  }
}
const isDefinite = (standing: Standing): standing is Outcome => "height" in standing;

function readBlock(answer: node.GetBlockResponse | node.StreamBlocksResponse): Block {
  const { block, payloads = [] } = answer.block ?? {};
  const header = decode(ledger.BlockHeaderSchema, block?.header ?? new Uint8Array());
  const transactions = (block?.transactions ?? []).map(({ envelope }, i) => readTransaction(envelope, payloads[i]));
  return { height: header.height, hash: toHex(answer.hash), timeMs: header.timeMs, header, transactions };
}

export class Chain {
  private key: KeyPair | undefined;
  private token: string | undefined;

  constructor(
    private readonly connection: Connection,
    /** Chain id, 32 bytes. */
    readonly id: Uint8Array,
    readonly name: string,
  ) {}

  /** What private and consortium chains show members only, they show from here on. `key` also signs what is sent. */
  async login(key: KeyPair): Promise<void> {
    const publicKey = key.publicKey;
    const { challenge } = await this.connection.unary(node.Auth.method.getChallenge, { chainId: this.id, publicKey });
    const signature = key.sign("talent/sign/client-auth/v1", this.id, challenge);
    const request = { chainId: this.id, publicKey, challenge, signature };
    this.token = (await this.connection.unary(node.Auth.method.login, request)).token;
    this.key = key;
  }

  /** Any unary method, with the token; logs in again where it has ended (a node forgets it when it restarts). */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return this.withLogin((token) => this.connection.unary(method, request, { ...options, token }));
  }

  private async withLogin<T>(run: (token: string | undefined) => Promise<T>): Promise<T> {
    try {
      return await run(this.token);
    } catch (error) {
      const ended = error instanceof TalentError && error.grpcCode === grpcStatus.UNAUTHENTICATED;
      if (!ended || this.key === undefined) throw error;
      await this.login(this.key);
      return run(this.token);
    }
  }

  private signer(): KeyPair {
    if (this.key !== undefined) return this.key;
    throw new TalentError("UNAUTHORIZED", "log in first: chain.login(key)");
  }

  /** Height of the chain's sealed head on this node. */
  async head(): Promise<bigint> {
    const { chains } = await this.connection.unary(node.Node.method.getStatus, {});
    return chains.find((chain) => toHex(chain.chainId) === toHex(this.id))?.height ?? 0n;
  }

  /** Signs `message` with the key that is logged in. Keep the result to submit the same again. */
  async sign<S extends DescMessage>(schema: S, message: MessageInitShape<S>, options: SendOptions = {}): Promise<SignedTransaction> {
    const { validFor = VALID_FOR, disclosure } = options;
    const validUntil = (await this.head()) + validFor;
    const more = disclosure === undefined ? {} : { disclosure };
    return signTransaction(schema, message, { chain: this.id, key: this.signer(), validUntil, ...more });
  }

  /** Signs, submits and waits until it has taken effect. Throws TalentError where it is refused, NoEffect. */
  async send<S extends DescMessage>(schema: S, message: MessageInitShape<S>, options: SendOptions = {}): Promise<Outcome> {
    const transaction = await this.sign(schema, message, options);
    const outcome = await this.submitAndWait(transaction, options);
    if (outcome.status === "sealed") return outcome;
    throw new NoEffect(transaction.kind, outcome);
  }

  /** Hands it to the node, which checks it. What is sealed already is refused as DUPLICATE. */
  async submit(transaction: SignedTransaction): Promise<void> {
    await this.call(node.Ledger.method.submit, { chainId: this.id, transaction: transaction.bytes });
  }

  /**
   * Submits and waits for the outcome, through lost connections and busy nodes: the same transaction again has the same
   * outcome. Throws TalentError: the node's where it refuses, UNAVAILABLE where there is no outcome in time; then call
   * it again with the same transaction.
   */
  async submitAndWait(transaction: SignedTransaction, options: WaitOptions = {}): Promise<Outcome> {
    const { timeoutMs = OUTCOME_WITHIN_MS, signal } = options;
    const until = Date.now() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = until - Date.now()) {
      try {
        const standing = await this.waitOnce(transaction, Math.min(left, WAIT_MS), signal);
        if (isDefinite(standing)) return standing;
      } catch (error) {
        if (!worthAnotherTry(error)) throw error;
        await pause(Math.min(error.retryAfterMs ?? FIRST_PAUSE_MS, Math.max(until - Date.now(), 0)), undefined, { signal });
      }
    }
    throw new TalentError("UNAVAILABLE",
      `${transaction.kind} ${transaction.id} has no outcome after ${timeoutMs} ms; submit the same transaction again`);
  }

  private async waitOnce(transaction: SignedTransaction, waitMs: number, signal?: AbortSignal): Promise<Standing> {
    const request = { chainId: this.id, transaction: transaction.bytes };
    const timeoutMs = waitMs + ANSWER_MS;
    try {
      const { state } = await this.call(node.Ledger.method.submitAndWait, request, { timeoutMs, signal });
      return standingOf(transaction.id, state);
    } catch (error) {
      // An earlier submission of it may have been sealed; or it is something else that is there already.
      if (!(error instanceof TalentError) || (error.code !== "DUPLICATE" && error.code !== "EXPIRED")) throw error;
      const standing = await this.standing(transaction.id);
      if (standing.status === "unknown" && error.code === "DUPLICATE") throw error;
      if (standing.status !== "unknown") return standing;
      return { id: transaction.id, status: "expired", height: 0n, index: 0, receipt: ledger.ReceiptCode.EXPIRED };
    }
  }

  /** Where a transaction stands now. */
  async standing(id: string): Promise<Standing> {
    const { state } = await this.call(node.Ledger.method.getTransaction, { chainId: this.id, txId: idBytes(id) });
    return standingOf(id, state);
  }

  /** A sealed transaction, with its payload where the caller may read it; undefined where there is none. */
  async transaction(id: string): Promise<TransactionView | undefined> {
    const { transaction } = await this.call(node.Ledger.method.getTransaction, { chainId: this.id, txId: idBytes(id) });
    return transaction && readTransaction(transaction.envelope, transaction.payload);
  }

  /** A sealed block, with the payloads that the caller may read. */
  async block(height: bigint): Promise<Block> {
    return readBlock(await this.call(node.Ledger.method.getBlock, { chainId: this.id, height }));
  }

  /**
   * Sealed blocks from a height on, then as they come, until `signal` aborts. Goes on where it was after a lost
   * connection; to go on after a restart of your program, keep the last height and begin at the next.
   */
  async *follow({ from = 1n, signal }: { from?: bigint; signal?: AbortSignal } = {}): AsyncGenerator<Block> {
    let next = from;
    let wait = FIRST_PAUSE_MS;
    for (;;) {
      try {
        const request = { chainId: this.id, fromHeight: next };
        for await (const answer of this.connection.stream(node.Ledger.method.streamBlocks, request, { token: this.token, signal })) {
          const block = readBlock(answer);
          yield block;
          next = block.height + 1n;
          wait = FIRST_PAUSE_MS;
        }
      } catch (error) {
        if (signal?.aborted) return;
        await this.recover(error);
      }
      await pause(wait, undefined, { signal }).catch(() => undefined);
      if (signal?.aborted) return;
      wait = Math.min(2 * wait, LAST_PAUSE_MS);
    }
  }

  /** After a stream has broken: throws where it would break again. */
  private async recover(error: unknown): Promise<void> {
    if (worthAnotherTry(error)) return;
    const ended = error instanceof TalentError && error.grpcCode === grpcStatus.UNAUTHENTICATED;
    if (!ended || this.key === undefined) throw error;
    await this.login(this.key);
  }

  /** The state entry `key`, read as `schema`; undefined where there is none. */
  async get<S extends DescMessage>(schema: S, ...key: KeyPart[]): Promise<MessageShape<S> | undefined> {
    const answer = await this.call(node.Ledger.method.getState, { chainId: this.id, key: stateKey(...key) });
    return answer.present ? decode(schema, answer.value) : undefined;
  }

  /** The state entries whose keys begin with `prefix`, in order. They may be of several heights. */
  async *scan<S extends DescMessage>(schema: S, ...prefix: KeyPart[]): AsyncGenerator<{ key: Uint8Array; value: MessageShape<S> }> {
    const request = { chainId: this.id, prefix: stateKey(...prefix), from: new Uint8Array() as Uint8Array, limit: 1000 };
    do {
      const page = await this.call(node.Ledger.method.scanState, request);
      for (const { key, value } of page.entries) yield { key, value: decode(schema, value) };
      request.from = page.nextKey;
    } while (request.from.length > 0);
  }

  /** The id of the party that the key which is logged in belongs to. Throws TalentError UNAUTHORIZED. */
  async party(): Promise<string> {
    const owner = await this.get(tiers.KeyOwnerSchema, "key/", this.signer().publicKey);
    if (owner?.party) return owner.party;
    throw new TalentError("UNAUTHORIZED", `no party of chain ${this.name} has the key ${this.signer().id}`);
  }

  /** Bytes of the proof of a record or transaction, for verifyProof() and `talentd verify`. */
  async proof(id: string): Promise<Uint8Array> {
    const { proof } = await this.call(node.Ledger.method.getProof, { chainId: this.id, txId: idBytes(id) });
    if (proof === undefined) throw new TalentError("INTERNAL", "the node's answer has no proof");
    return toBinary(ledger.TransactionProofSchema, proof);
  }

  /** Fetches the proof of a record or transaction and checks it against the pinned genesis file's bytes. */
  async verify(id: string, genesis: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
    return verifyProof(genesis, await this.proof(id), { id, ...options });
  }

  /** Fetches a state entry's proof, of its presence or absence at the head, and checks it against the genesis. */
  async verifyState(genesis: Uint8Array, key: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
    const { statement } = await this.call(node.Ledger.method.getState, { chainId: this.id, key, prove: true });
    if (statement === undefined) throw new TalentError("INTERNAL", "the node's answer has no proof");
    return verifyStatement(genesis, toBinary(ledger.StateStatementSchema, statement), { key, ...options });
  }
}
