// A record as its proof has it: nothing here comes from anything but proven bytes.
import type { Block, Proven, ProvenRecord, Transaction } from "talentchain/verify";
import { type Checked, type Trust, asOf, checkProof, fail, isAbsent, statedRecord } from "./check";
import { type Decoded, decode, messagesOf, numberOf, textOf, valuesOf } from "./messages";

/** A published record. Ids are empty where there is none. */
export interface RecordFacts {
  id: string;
  asOf: Block;
  /** RecordStatus without its prefix. */
  status: string;
  kind: string;
  contentKind: string;
  centre: string;
  sourceChain: string;
  consortium: string;
  publicationTx: string;
  correctionTx: string;
  supersedes: string;
  supersededBy: string;
  erasedBy: string;
  height: bigint;
  publishedMs: bigint;
  /** As its author signed it; absent where the proof has no content, because that was erased. */
  signed?: Transaction;
  review?: ProvenRecord["review"];
  /** Its payload; absent where erased or not to be read. */
  payload?: Decoded;
  /** What it says: the payload, or of a correction what is put in place. */
  content?: Decoded;
}

/** A record and its verdict. */
export interface CheckedRecord {
  checked: Checked;
  facts?: RecordFacts;
}

/** A record with what belongs on its page. */
export interface RecordBundle extends CheckedRecord {
  /** The other end of its correction path: original of a correction, correction of an original. */
  original?: CheckedRecord;
  correction?: CheckedRecord;
  /** The proof that holds the path. */
  path?: Proven;
  /** Of a training: the assessments it names, undefined where not published. */
  before?: CheckedRecord;
  after?: CheckedRecord;
}

const kNotStated = { en: "the proof does not say where the record stands", zh: "证明未说明该记录的状态" };
const kUnreadable = { en: "what the chain says of the record cannot be read", zh: "无法读出链上关于该记录的状态" };
const kOtherPublication = {
  en: "the proven transaction is not the one that published the record",
  zh: "所证明的交易不是公布该记录的交易",
};
const kOtherContent = { en: "the record's kind differs from what the chain says", zh: "记录的类型与链上所述不符" };

/** Fetches and checks the proof of a record. Errors: ApiError. */
export async function checkRecord(trust: Trust, id: string): Promise<CheckedRecord> {
  const checked = await checkProof(trust, id);
  return checked.proven === undefined ? { checked } : factsOf(checked, checked.proven, id);
}

/** The record `id` in a proof that holds. */
export function factsOf(checked: Checked, proven: Proven, id: string): CheckedRecord {
  const value = statedRecord(proven, id);
  if (value === undefined) return { checked: fail(checked, "standing", kNotStated) };
  const stated = decode("PublishedRecord", value);
  if (stated === undefined) return { checked: fail(checked, "standing", kUnreadable) };
  const facts = readStated(stated, id, asOf(proven));
  if (proven.transaction?.id !== facts.publicationTx) return { checked: fail(checked, "record", kOtherPublication) };
  const record = proven.records.find((entry) => entry.transaction.id === id);
  if (record !== undefined) {
    if (record.transaction.kind !== facts.kind) return { checked: fail(checked, "record", kOtherContent) };
    addSigned(facts, record);
  }
  return { checked, facts };
}

/** A record with the other end of its correction, or the assessments of a training. Errors: ApiError. */
export async function loadRecord(trust: Trust, id: string): Promise<RecordBundle> {
  const main = await checkRecord(trust, id);
  const { checked, facts } = main;
  if (facts === undefined || checked.proven === undefined) return main;
  const bundle: RecordBundle = { ...main };
  if (facts.supersedes !== "") {
    bundle.original = await counterpart(trust, checked, facts.supersedes);
    bundle.path = checked.proven;
  }
  if (facts.supersededBy !== "") {
    bundle.correction = await checkRecord(trust, facts.supersededBy);
    if (bundle.path === undefined && bundle.correction.checked.proven) bundle.path = bundle.correction.checked.proven;
  }
  if (facts.content?.kind === "TrainingCompleted") await addAssessments(trust, facts.content, bundle);
  return bundle;
}

/** Scores of an assessment by dimension, 0 to 10000. */
export function scoresOf(content: Decoded | undefined): { dimension: string; value: number }[] {
  if (content?.kind !== "AbilityAssessed") return [];
  return messagesOf(content, "scores").map((score) => ({
    dimension: textOf(score, "dimension"),
    value: Number(numberOf(score, "value")),
  }));
}

// A correction's own proof carries its original, but no word on where that stands; its bytes are what is needed here.
async function counterpart(trust: Trust, checked: Checked, id: string): Promise<CheckedRecord> {
  const original = checked.proven?.records.find((entry) => entry.transaction.id === id);
  const other = await checkRecord(trust, id);
  if (other.facts !== undefined && other.facts.content === undefined && original !== undefined) {
    addSigned(other.facts, original);
  }
  return other;
}

async function addAssessments(trust: Trust, training: Decoded, bundle: RecordBundle): Promise<void> {
  const [before, after] = await Promise.all(
    ["before_assessment", "after_assessment"].map((field) => published(trust, textOf(training, field))),
  );
  if (before !== undefined) bundle.before = before;
  if (after !== undefined) bundle.after = after;
}

async function published(trust: Trust, id: string): Promise<CheckedRecord | undefined> {
  if (id === "") return undefined;
  try {
    return await checkRecord(trust, id);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function readStated(stated: Decoded, id: string, at: Block): RecordFacts {
  return {
    id,
    asOf: at,
    status: textOf(stated, "status").replace(/^RECORD_STATUS_/, ""),
    kind: textOf(stated, "kind"),
    contentKind: textOf(stated, "content_kind"),
    centre: textOf(stated, "centre"),
    sourceChain: textOf(stated, "source_chain"),
    consortium: textOf(stated, "consortium"),
    publicationTx: textOf(stated, "publication_tx"),
    correctionTx: textOf(stated, "correction_tx"),
    supersedes: textOf(stated, "supersedes"),
    supersededBy: textOf(stated, "superseded_by"),
    erasedBy: textOf(stated, "erased_by"),
    height: numberOf(stated, "height"),
    publishedMs: numberOf(stated, "published_ms"),
  };
}

function addSigned(facts: RecordFacts, record: ProvenRecord): void {
  facts.signed = record.transaction;
  if (record.review !== undefined) facts.review = record.review;
  if (record.transaction.payload === undefined) return;
  const payload = decode(record.transaction.kind, record.transaction.payload);
  if (payload === undefined) return;
  facts.payload = payload;
  const inside = payload.kind === "Corrected" ? valuesOf(payload, "content")[0] : undefined;
  facts.content = inside?.type === "message" ? inside.message : payload;
}
