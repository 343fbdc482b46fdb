// What a proof shows beyond its own chain: the way of a record across the tiers, under the headers of the chain below
// that the proven chain's state says were accepted (docs/protocol.md, "Evidence between chains").
import { bigEndian, concat, equal, toHex, utf8 } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import { read } from "./headers.js";
import type { Log } from "./log.js";
import * as m from "./messages.js";
import { type SignedTransaction, attachPayload, checkAuthor, checkPlace, publicPart, readEnvelope, receiptName } from "./transactions.js";
import { checkState } from "./trees.js";
import { type PathStep, type ProvenRecord, type Statement, type Words, ensure, line, within } from "./verdict.js";
import { type Decoded, type Fields, type Message, WireError, decode, orEmpty } from "./wire.js";

interface StatusWords extends Words {
  name: string;
}
/** By RecordStatus. */
const STATUSES: StatusWords[] = [
  { name: "UNSPECIFIED", en: "without a status", zh: "无状态" },
  { name: "IN_REVIEW", en: "in review", zh: "核查中" },
  { name: "DISPUTED", en: "disputed", zh: "待答复" },
  { name: "ANSWERED", en: "to be corrected", zh: "待更正" },
  { name: "VERIFIED", en: "verified", zh: "已核实" },
  { name: "CORRECTED", en: "corrected", zh: "已更正" },
  { name: "UNVERIFIED", en: "unverified", zh: "未核实" },
  { name: "CORRECTION", en: "a correction", zh: "更正记录" },
  { name: "COMMITMENT", en: "known by its envelope only", zh: "仅承诺" },
  { name: "REFUSED", en: "disputed, and not corrected by its centre", zh: "待仲裁" },
  { name: "ARBITRATION", en: "in arbitration", zh: "仲裁中" },
  { name: "ERASED", en: "erased", zh: "已删除" },
  { name: "CONTEST", en: "the contest of a person", zh: "本人异议" },
];
function statusOf(status: number): StatusWords {
  return STATUSES[status] ?? { name: String(status), en: `status ${status}`, zh: `状态 ${status}` };
}

const FIELD_DISPUTED = 2;
const DISPUTE_UPHELD = 2;
const REFUSALS = ["", "SOURCE_AGREES", "EVIDENCE_INSUFFICIENT", "WITHIN_JUDGEMENT"];

function tryDecode<F extends Fields>(type: Message<F>, bytes: Uint8Array): Decoded<F> | undefined {
  try {
    return decode(type, bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function wordsOfReview(review: Decoded<(typeof m.ReviewRevealed)["fields"]>): Words {
  const disputed = (review.verdict?.fields ?? []).filter((f) => f.verdict === FIELD_DISPUTED).map((f) => f.field);
  if (disputed.length === 0) return { en: "a member confirms it", zh: "成员确认" };
  return { en: `a member disputes ${disputed.join(", ")}`, zh: `成员对 ${disputed.join("、")} 提出异议` };
}

function wordsOfAnswer(answer: Decoded<(typeof m.DisputeAnswered)["fields"]>): Words {
  if (answer.refusal !== undefined) {
    const reason = REFUSALS[answer.refusal.reason] || String(answer.refusal.reason);
    return { en: `the centre refuses: ${reason}`, zh: `中心拒绝：${reason}` };
  }
  const id = toHex(answer.correction ?? new Uint8Array());
  return { en: `the centre answers with correction ${id}`, zh: `中心以更正 ${id} 答复` };
}

/** One step of a correction path. */
function wordsOfStep(tx: SignedTransaction): Words {
  const payload = tx.payload ?? new Uint8Array();
  if (tx.kind === "RecordPromoted") return { en: "promoted to the consortium", zh: "上传至联盟链" };
  if (tx.kind === "ArbitrationOpened") return { en: "the other centres are asked", zh: "申请仲裁" };
  if (tx.kind === "ReviewRevealed") {
    const review = tryDecode(m.ReviewRevealed, payload);
    if (review !== undefined) return wordsOfReview(review);
  }
  if (tx.kind === "DisputeAnswered") {
    const answer = tryDecode(m.DisputeAnswered, payload);
    if (answer !== undefined) return wordsOfAnswer(answer);
  }
  if (tx.kind === "ArbitrationVoted") {
    const vote = tryDecode(m.ArbitrationVoted, payload);
    if (vote?.verdict === DISPUTE_UPHELD) return { en: "another centre votes for the dispute", zh: "仲裁中心支持异议" };
    if (vote !== undefined) return { en: "another centre votes for the record", zh: "仲裁中心维持记录" };
  }
  return { en: tx.kind, zh: tx.kind };
}

/** Goes through the evidence of one transaction. */
class Walk {
  readonly records: ProvenRecord[] = [];
  readonly path: PathStep[] = [];

  constructor(
    private readonly crypto: CryptoBackend,
    private readonly log: Log,
    private readonly statements: Statement[],
  ) {}

  async published(message: m.RecordPublished): Promise<void> {
    const record = await this.record("record", "记录", message.record);
    await this.review(record, message.record, message.sourceChain, message.height);
    await this.steps(message, message.record);
    this.standing(record);
  }

  async corrected(message: m.CorrectionPublished): Promise<void> {
    const original = await this.record("original", "原记录", message.original);
    const correction = await this.record("correction", "更正记录", message.correction);
    await this.review(original, message.original, message.sourceChain, message.height);
    await this.review(correction, message.correction, message.sourceChain, message.height);
    await this.steps(message, message.original);
    this.standing(original);
    this.standing(correction);
  }

  async promoted(message: m.RecordPromoted): Promise<void> {
    const { record, tx } = await this.signed("record", "记录", message.record, message.payload);
    const sealed = this.acceptedHeader(message.sourceChain, message.height);
    if (sealed) await within("private block", () => this.effective(sealed, tx, message.path));
    this.log.passed("private block", `sealed in block ${message.height} of private chain ${tx.chain}`,
      `在私有链 ${tx.chain} 的第 ${message.height} 块中确认`, sealed !== undefined);
    const decided = this.acceptedHeader(message.sourceChain, message.decisionHeight);
    const decision = orEmpty(m.StateProof, message.decision);
    if (decided) await this.present("decision", decided, "promote/", tx, decision);
    const { priority, valueClass, centre } = read(m.PromotionDecision, decision.value, "decision");
    this.log.passed("decision",
      `that chain's policy lets it leave: priority ${priority}, value class ${valueClass}, centre ${centre}`,
      `该链策略允许上传：优先级 ${priority}，价值等级 ${valueClass}，中心 ${centre}`, decided !== undefined);
    const found = this.stated("rec/", tx.idBytes, m.ConsortiumRecord);
    if (!found) return;
    this.describe("standing", found.entry, found.block.height, true);
    record.standing = this.standingOf(found.entry, found.block);
  }

  /** The header of a chain below that the proven chain has accepted; undefined where the proof does not show it. */
  private acceptedHeader(chain: Uint8Array, height: bigint): m.BlockHeader | undefined {
    const found = this.find(concat(utf8("header/"), chain, bigEndian(height, 8)));
    const accepted = found && tryDecode(m.AcceptedHeader, found.value);
    return accepted && tryDecode(m.BlockHeader, accepted.header);
  }

  /** The newest statement that `key` is there. */
  private find(key: Uint8Array): Statement | undefined {
    const there = this.statements.filter((s) => s.present && equal(s.key, key));
    return there.reduce<Statement | undefined>((a, b) => (a && a.block.height >= b.block.height ? a : b), undefined);
  }

  private stated<F extends Fields>(table: string, id: Uint8Array, type: Message<F>) {
    const found = this.find(concat(utf8(table), id));
    const entry = found && tryDecode(type, found.value);
    return entry && { entry, block: found.block };
  }

  private async signed(
    role: ProvenRecord["role"],
    chinese: string,
    envelope: m.SignedEnvelope | undefined,
    payload: m.Payload | undefined,
  ) {
    const tx = await readEnvelope(this.crypto, role, envelope);
    if (payload) await attachPayload(this.crypto, role, tx, payload);
    await checkAuthor(this.crypto, role, tx, tx.chainBytes);
    this.log.passed(role, `${tx.kind} ${tx.id}, written on private chain ${tx.chain}, signed by ${tx.author}`,
      `${chinese}：${tx.kind} ${tx.id}，写于私有链 ${tx.chain}，签名者 ${tx.author}`);
    const record: ProvenRecord = { role, transaction: publicPart(tx) };
    this.records.push(record);
    return { record, tx };
  }

  private record(role: ProvenRecord["role"], chinese: string, evidence: m.RecordEvidence | undefined) {
    return this.signed(role, chinese, evidence?.record, evidence?.payload);
  }

  private async present(step: string, header: m.BlockHeader, table: string, tx: SignedTransaction, proof: m.StateProof) {
    const asked = proof.present && equal(proof.key, concat(utf8(table), tx.idBytes));
    ensure(asked, step, "the state proof is of another entry, or of an absent one", "状态证明属于另一条目，或条目不存在");
    ensure(header.stateRoot.length === 32, step, "the header has no state root", "区块头没有状态根");
    await checkState(this.crypto, step, header.stateRoot, proof);
  }

  private async effective(header: m.BlockHeader, tx: SignedTransaction, path: m.TransactionPath | undefined) {
    const receipt = await checkPlace(this.crypto, header, tx.idBytes, path);
    ensure(receipt.code === 0, "receipt", `took no effect on its chain: ${receiptName(receipt.code)}`,
      `在其链上未生效：${receiptName(receipt.code)}`);
  }

  /** What the consortium's state says of a record. */
  private async review(
    { record, tx }: { record: ProvenRecord; tx: SignedTransaction },
    evidence: m.RecordEvidence | undefined,
    chain: Uint8Array,
    height: bigint,
  ) {
    const step = `${record.role} state`;
    const state = orEmpty(m.StateProof, evidence?.state);
    const header = this.acceptedHeader(chain, height);
    if (header) await this.present(step, header, "rec/", tx, state);
    const entry = read(m.ConsortiumRecord, state.value, step);
    this.describe(step, entry, height, header !== undefined);
    const { confirmations, disputes, valueClass } = entry;
    record.review = { status: statusOf(entry.status).name, confirmations, disputes, valueClass, asOf: height };
  }

  private describe(step: string, entry: m.ConsortiumRecord, height: bigint, checked: boolean) {
    const status = statusOf(entry.status);
    const { confirmations, disputes, valueClass, policyVersion } = entry;
    this.log.passed(step,
      `${status.en} on the consortium after block ${height}: ${confirmations} confirmations, ${disputes} disputes, ` +
        `value class ${valueClass}, policy version ${policyVersion}`,
      `联盟链第 ${height} 块后${status.zh}：确认 ${confirmations}，异议 ${disputes}，价值等级 ${valueClass}，` +
        `策略版本 ${policyVersion}`, checked);
  }

  /** Every step of the path that the consortium's state lists, and no other. */
  private async steps(message: m.RecordPublished | m.CorrectionPublished, of: m.RecordEvidence | undefined) {
    const chain = message.sourceChain;
    ensure(chain.length === 32, "steps", "the source is no chain id", "来源链标识不符");
    const { path } = read(m.ConsortiumRecord, of?.state?.value ?? new Uint8Array(), "steps");
    ensure(path.length === message.steps.length, "steps",
      `${message.steps.length} of the ${path.length} that the record's path has`,
      `记录的路径有 ${path.length} 步，这里有 ${message.steps.length} 步`);
    for (const [i, step] of message.steps.entries()) {
      await within(`step ${i + 1}`, () => this.step(`step ${i + 1}`, step, chain, path[i]!));
    }
  }

  private async step(name: string, step: m.PathStep, chain: Uint8Array, expected: Uint8Array) {
    const tx = await readEnvelope(this.crypto, name, step.transaction);
    if (step.payload) await attachPayload(this.crypto, name, tx, step.payload);
    ensure(equal(tx.idBytes, expected), name, `it is transaction ${tx.id}, the path has ${toHex(expected)}`,
      `交易为 ${tx.id}，路径中为 ${toHex(expected)}`);
    await checkAuthor(this.crypto, name, tx, chain);
    const header = this.acceptedHeader(chain, step.height);
    if (header) await this.effective(header, tx, step.path);
    const { en, zh } = wordsOfStep(tx);
    const checked = header !== undefined;
    const detail = { en: line(en), zh: line(zh) };
    this.log.passed(name, `block ${step.height}: ${en}`, `第 ${step.height} 块：${zh}`, checked);
    this.path.push({ transaction: publicPart(tx), height: step.height, checked, detail });
  }

  private standingOf(entry: { status: number; supersededBy: Uint8Array }, asOf: Statement["block"]) {
    const by = entry.supersededBy;
    return { status: statusOf(entry.status).name, ...(by.length > 0 && { supersededBy: toHex(by) }), asOf };
  }

  /** What the proven chain says of a record after the statement's block. */
  private standing({ record, tx }: { record: ProvenRecord; tx: SignedTransaction }) {
    const found = this.stated("pub/", tx.idBytes, m.PublishedRecord);
    if (!found) return;
    const { entry, block } = found;
    const status = statusOf(entry.status);
    record.standing = this.standingOf(entry, block);
    const by = record.standing.supersededBy;
    this.log.passed("standing",
      `${tx.id} is ${status.en} on this chain as of block ${block.height}, ${by ? `superseded by ${by}` : "not superseded"}`,
      `截至本链第 ${block.height} 块，${tx.id} ${status.zh}，${by ? `已被 ${by} 取代` : "未被取代"}`);
  }
}

/** Checks the evidence that a proven transaction carries. Throws Refused. */
export async function checkEvidence(
  crypto: CryptoBackend,
  log: Log,
  tx: SignedTransaction,
  statements: Statement[],
): Promise<{ records: ProvenRecord[]; path: PathStep[] }> {
  const walk = new Walk(crypto, log, statements);
  const { kind, payload } = tx;
  if (payload !== undefined) {
    if (kind === "RecordPublished") await walk.published(read(m.RecordPublished, payload, "payload"));
    if (kind === "CorrectionPublished") await walk.corrected(read(m.CorrectionPublished, payload, "payload"));
    if (kind === "RecordPromoted") await walk.promoted(read(m.RecordPromoted, payload, "payload"));
  }
  return { records: walk.records, path: walk.path };
}
