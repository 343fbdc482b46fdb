// The light client of docs/protocol.md: what a node says, checked from the chain's genesis file alone.
import { concat, equal, fromHex, toHex, utf8 } from "./bytes.js";
import { type CryptoBackend, defaultCrypto } from "./crypto.js";
import { checkEvidence } from "./evidence.js";
import { type Genesis, readGenesis } from "./genesis.js";
import { Epochs, type TrustedHeader, read } from "./headers.js";
import { Log } from "./log.js";
import * as m from "./messages.js";
import {
  type SignedTransaction, attachPayload, checkAuthor, checkPlace, publicPart, readEnvelope, receiptName,
} from "./transactions.js";
import { checkState } from "./trees.js";
import { type Block, type Proven, Refused, type Statement, type Verdict, ensure, within } from "./verdict.js";
import { WireError, decode, orEmpty } from "./wire.js";

export { type CryptoBackend, defaultCrypto, verifyEd25519, webCrypto } from "./crypto.js";
export type {
  Block, PathStep, Proven, ProvenRecord, RecordStatus, Statement, Step, Tier, Transaction, Verdict, Words,
} from "./verdict.js";

export interface VerifyOptions {
  /** Record or transaction in hexadecimal that was asked for, or of a statement the state's key: adds the step "asked". */
  id?: string;
  key?: Uint8Array;
  /** What the answer's newest header must have reached: adds the step "as of", where a stale answer fails. */
  minHeight?: bigint;
  notBeforeMs?: bigint;
  /** Of a verdict on a proof: changes of validators that a statement by itself does not carry. */
  epochs?: Uint8Array[];
  /** SHA-256 and Ed25519; by default WebCrypto, and JavaScript where that lacks them. */
  crypto?: CryptoBackend;
}

/** Statements a proof carries at most. */
const MAX_STATEMENTS = 96;

/** One verification: the steps so far, and what they have shown. */
class Verification {
  readonly log = new Log();

  constructor(
    readonly crypto: CryptoBackend,
    readonly genesis: Genesis,
    private readonly options: VerifyOptions,
  ) {
    const { name, tier, chainId } = genesis;
    const chain = `${name} (${tier}) ${toHex(chainId)}`;
    this.log.passed("genesis", `chain ${chain}`, `链 ${chain}`);
  }

  async proof(bytes: Uint8Array): Promise<Proven> {
    const { crypto, log } = this;
    const proof = read(m.TransactionProof, bytes, "encoding");
    log.passed("encoding", `${bytes.length} bytes, canonical`, `${bytes.length} 字节，编码规范`);
    const epochs = await this.epochs(proof.epochs);
    const header = await this.header(epochs, proof.header);
    const tx = await this.content(proof);
    const { code } = await checkPlace(crypto, header.header, tx.idBytes, proof.path);
    this.place(tx, header, proof.path?.index ?? 0, receiptName(code));
    ensure(proof.statements.length <= MAX_STATEMENTS, "statements", `${proof.statements.length} of them`,
      `共 ${proof.statements.length} 条，过多`);
    const statements: Statement[] = [];
    for (const [i, statement] of proof.statements.entries()) {
      const step = `statement ${i + 1}`;
      statements.push(await within(step, () => this.statement(step, epochs, statement, header.header.height)));
    }
    if (!tx.payload) this.noPayload(tx, statements);
    const { records, path } = await checkEvidence(crypto, log, tx, statements);
    ensure(code === 0, "effect", `the chain sealed this transaction without effect: ${receiptName(code)}`,
      `该交易已上链但未生效：${receiptName(code)}`);
    const newest = statements.reduce((a, { block: b }) => (b.height > a.height ? b : a), header.block);
    this.asked(tx, records.map((record) => record.transaction.id));
    this.asOf(newest);
    const { epochs: raw } = decode(m.EpochBytes, bytes);
    return { block: header.block, transaction: publicPart(tx), statements, records, path, epochs: raw };
  }

  async stateStatement(bytes: Uint8Array): Promise<Proven> {
    const statement = read(m.StateStatement, bytes, "encoding");
    this.log.passed("encoding", `${bytes.length} bytes, canonical`, `${bytes.length} 字节，编码规范`);
    const raw = this.options.epochs ?? [];
    const epochs = await this.epochs(raw.map((change, i) => read(m.EpochChange, change, `epoch ${i + 1}`)));
    const header = await this.header(epochs, statement.header);
    const state = orEmpty(m.StateProof, statement.proof);
    await checkState(this.crypto, "state proof", header.header.stateRoot, state);
    this.stated("state proof", state);
    const { key, present, value } = state;
    if (this.options.key !== undefined) {
      ensure(equal(key, this.options.key), "asked", "the statement is about another key", "陈述属于另一键");
      this.log.passed("asked", "the statement is about the key asked for", "陈述与所查询的键相符");
    }
    this.asOf(header.block);
    return { block: header.block, statements: [{ block: header.block, key, present, value }], records: [], path: [], epochs: raw };
  }

  private async epochs(changes: m.EpochChange[]): Promise<Epochs> {
    const epochs = await Epochs.walk(this.crypto, this.genesis, changes);
    const n = changes.length;
    if (n > 0) this.log.passed("epochs", `${n} changes of validators since the genesis`, `自创世以来验证节点更替 ${n} 次`);
    return epochs;
  }

  private async header(epochs: Epochs, certified: m.CertifiedHeader | undefined): Promise<TrustedHeader> {
    const trusted = await epochs.check(certified);
    const { height, hash, timeMs, seals, validators } = trusted.block;
    this.log.passed("header", `block ${height} of epoch ${trusted.block.epoch}, time ${isoTime(timeMs)}`,
      `第 ${height} 块，第 ${trusted.block.epoch} 任期，时间 ${isoTime(timeMs)}`);
    this.log.passed("certificate", `block ${height} ${hash}, sealed by ${seals} of the chain's ${validators} validators`,
      `第 ${height} 块 ${hash}，由 ${validators} 个验证节点中的 ${seals} 个封印`);
    return trusted;
  }

  private async content(proof: m.TransactionProof): Promise<SignedTransaction> {
    const { crypto, log, genesis } = this;
    const tx = await readEnvelope(crypto, "envelope", proof.transaction);
    log.passed("envelope", `${tx.kind} ${tx.id}`, `${tx.kind} ${tx.id}`);
    await checkAuthor(crypto, "author signature", tx, genesis.chainId);
    log.passed("author signature", `kind ${tx.kind}, key ${tx.author}`, `类型 ${tx.kind}，签名密钥 ${tx.author}`);
    if (proof.payload) {
      await attachPayload(crypto, "payload hash", tx, proof.payload);
      const size = proof.payload.data.length;
      log.passed("payload hash", `${size} bytes, as the author signed them`, `内容 ${size} 字节，与作者签名一致`);
    }
    return tx;
  }

  private place(tx: SignedTransaction, { header }: TrustedHeader, index: number, code: string): void {
    const { log } = this;
    const count = header.transactionCount;
    log.passed("transaction path", `${tx.id} at place ${index} of ${count}`, `${tx.id} 位于该块 ${count} 笔交易中的第 ${index} 位`);
    log.passed("receipt path", `at the same place`, `位于相同位置`);
    log.passed("receipt", code, code);
  }

  private noPayload(tx: SignedTransaction, statements: Statement[]): void {
    const key = concat(utf8("erased/payload/"), tx.idBytes);
    const found = statements.find((statement) => statement.present && equal(statement.key, key));
    const erased = found && tryErased(found.value);
    if (erased) {
      const by = toHex(erased.by);
      this.log.passed("payload erased", `at height ${erased.height}, by ${by}`, `内容已删除：第 ${erased.height} 块，依据 ${by}`);
    } else {
      this.log.absent("payload hash", "the proof carries no payload", "证明中没有内容");
    }
  }

  private async statement(step: string, epochs: Epochs, statement: m.StateStatement, since: bigint): Promise<Statement> {
    const { header, block } = await epochs.check(statement.header);
    ensure(header.height >= since, step, `about height ${header.height}, before the transaction's ${since}`,
      `关于第 ${header.height} 块，早于该交易所在的第 ${since} 块`);
    const state = orEmpty(m.StateProof, statement.proof);
    await checkState(this.crypto, step, header.stateRoot, state);
    this.stated(step, state, ` after block ${header.height}`, `第 ${header.height} 块后`);
    return { block, key: state.key, present: state.present, value: state.value };
  }

  private stated(step: string, state: m.StateProof, en = "", zh = ""): void {
    const key = toHex(state.key);
    this.log.passed(step, `state${en} ${state.present ? "has" : "lacks"}: ${key}`, `${zh}状态中${state.present ? "有" : "没有"}：${key}`);
  }

  /** That the proof is about what was asked for. */
  private asked(tx: SignedTransaction, records: string[]): void {
    if (this.options.id === undefined) return;
    const id = toHex(fromHex(this.options.id) ?? new Uint8Array());
    const about = [tx.id, ...records].includes(id);
    ensure(about, "asked", `the proof is not about ${this.options.id}`, `证明与 ${this.options.id} 无关`);
    this.log.passed("asked", `the proof is about ${id}`, `证明与 ${id} 相符`);
  }

  /** That the answer is not older than wanted. */
  private asOf(newest: Block): void {
    const { minHeight, notBeforeMs } = this.options;
    if (minHeight === undefined && notBeforeMs === undefined) return;
    const { height, timeMs } = newest;
    ensure(minHeight === undefined || height >= minHeight, "as of", `stale: block ${height} where ${minHeight} was known`,
      `已过时：第 ${height} 块，而已知第 ${minHeight} 块`);
    ensure(notBeforeMs === undefined || timeMs >= notBeforeMs, "as of",
      `stale: of ${isoTime(timeMs)}, before ${isoTime(notBeforeMs ?? 0n)}`,
      `已过时：${isoTime(timeMs)}，早于 ${isoTime(notBeforeMs ?? 0n)}`);
    this.log.passed("as of", `block ${height}, ${isoTime(timeMs)}`, `第 ${height} 块，${isoTime(timeMs)}`);
  }
}

function tryErased(value: Uint8Array) {
  try {
    return decode(m.ErasedEntry, value);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function isoTime(ms: bigint): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

async function verdictOf(
  genesisBytes: Uint8Array,
  options: VerifyOptions,
  run: (verification: Verification) => Promise<Proven>,
): Promise<Verdict> {
  const bytes = new Uint8Array(genesisBytes);
  const crypto = options.crypto ?? (await defaultCrypto());
  let log = new Log();
  let chain: Verdict["chain"];
  try {
    const genesis = await readGenesis(crypto, bytes);
    chain = { id: toHex(genesis.chainId), name: genesis.name, tier: genesis.tier };
    const verification = new Verification(crypto, genesis, options);
    log = verification.log;
    return { ok: true, steps: log.steps, chain, proven: await run(verification) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    log.failed(error.step, error.words);
    return { ok: false, steps: log.steps, failed: error.step, ...(chain && { chain }) };
  }
}

/**
 * Of a TransactionProof (an answer of GetProof, a file of `talentd proof`), from the bytes of its chain's genesis file.
 * Whatever the bytes are, they lead to a verdict; it rejects only where the machine fails.
 */
export function verifyProof(genesis: Uint8Array, proof: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
  const bytes = new Uint8Array(proof); // the caller may change his own meanwhile
  return verdictOf(genesis, options, (verification) => verification.proof(bytes));
}

/** Of a StateStatement (an answer of GetState with `prove`). In epochs after the first it needs `options.epochs`. */
export function verifyStatement(
  genesis: Uint8Array,
  statement: Uint8Array,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const bytes = new Uint8Array(statement);
  return verdictOf(genesis, options, (verification) => verification.stateStatement(bytes));
}
