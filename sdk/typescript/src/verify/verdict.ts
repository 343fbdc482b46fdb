// What a verification says.

/** English and 中文. */
export interface Words {
  en: string;
  zh: string;
}

export interface Step {
  /** As `talentd verify` names it: "genesis", "encoding", "certificate", "transaction path", "record", "standing", … */
  name: string;
  ok: boolean;
  /** False: taken on the word of this chain's validators, since the proof lacks the header to check it with. */
  checked: boolean;
  /** The name for people, and one line of what was found. Plain text, without control characters. */
  title: Words;
  detail: Words;
}

export type Tier = "private" | "consortium" | "public";

export interface Block {
  height: bigint;
  hash: string;
  timeMs: bigint;
  epoch: bigint;
  /** Validators that sealed it, and how many there are. */
  seals: number;
  validators: number;
}

export interface Transaction {
  id: string;
  chain: string;
  kind: string;
  author: string;
  validUntil: bigint;
  disclosure: "UNSPECIFIED" | "PRIVATE" | "COMMITMENT" | "FULL";
  /** Canonical bytes of the kind's message; absent where withheld or erased. */
  payload?: Uint8Array;
}

export interface Statement {
  block: Block;
  key: Uint8Array;
  present: boolean;
  value: Uint8Array;
}

/** RecordStatus of consortium.proto without its prefix: "VERIFIED", "CORRECTED", … */
export type RecordStatus = string;

export interface ProvenRecord {
  role: "record" | "original" | "correction";
  transaction: Transaction;
  /** What the consortium said of it when it was published, after its block `asOf`. */
  review?: { status: RecordStatus; confirmations: number; disputes: number; valueClass: number; asOf: bigint };
  /** What the proven chain says of it at the newest header in the proof that says anything. */
  standing?: { status: RecordStatus; supersededBy?: string; asOf: Block };
}

export interface PathStep {
  transaction: Transaction;
  height: bigint;
  checked: boolean;
  detail: Words;
}

export interface Proven {
  /** Of the transaction; of a statement the one it is about. */
  block: Block;
  /** Absent of a statement. */
  transaction?: Transaction;
  /** What the state has or lacks, in the proof's order. */
  statements: Statement[];
  /** Records that the transaction carries across the tiers; empty where it carries none. */
  records: ProvenRecord[];
  /** The correction path 更正路径, in order. */
  path: PathStep[];
  /** Changes of validators, for verifyStatement(). */
  epochs: Uint8Array[];
}

export interface Verdict {
  /** Every step holds, and the transaction took effect. */
  ok: boolean;
  /** In the order they were checked; a failed one is the last. */
  steps: Step[];
  /** Name of the failed step; absent where none failed. */
  failed?: string;
  /** Of the pinned genesis; absent where that file is bad. */
  chain?: { id: string; name: string; tier: Tier };
  /** Absent unless every step holds. */
  proven?: Proven;
}

/** A check that failed. */
export class Refused extends Error {
  constructor(
    readonly step: string,
    readonly words: Words,
  ) {
    super(`${step}: ${words.en}`);
  }
}

export function ensure(condition: boolean, step: string, en: string, zh: string): asserts condition {
  if (!condition) throw new Refused(step, { en, zh });
}

/** `run`, whose failures are called `step`. */
export async function within<T>(step: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused) || error.step === step) throw error;
    throw new Refused(step, { en: `${error.step}: ${error.words.en}`, zh: `${titleOf(error.step).zh}：${error.words.zh}` });
  }
}

/** What others wrote, for one line: no control characters, and none that turn the direction of the text. */
export function line(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "?");
}

const TITLES: Record<string, Words> = {
  genesis: { en: "Genesis file", zh: "创世文件" },
  encoding: { en: "Encoding", zh: "编码" },
  epochs: { en: "Changes of validators", zh: "验证节点更替" },
  epoch: { en: "Change of validators", zh: "验证节点更替" },
  header: { en: "Block header", zh: "区块头" },
  certificate: { en: "Validators' seals", zh: "验证节点封印" },
  envelope: { en: "Envelope", zh: "信封" },
  "author signature": { en: "Author's signature", zh: "作者签名" },
  "payload hash": { en: "Content", zh: "内容" },
  "payload erased": { en: "Content erased", zh: "内容已删除" },
  "transaction path": { en: "Place in the block", zh: "在区块中的位置" },
  "receipt path": { en: "Place of the receipt", zh: "回执的位置" },
  receipt: { en: "Receipt", zh: "回执" },
  statements: { en: "Statements about the state", zh: "状态陈述" },
  statement: { en: "Statement about the state", zh: "状态陈述" },
  "state proof": { en: "State", zh: "状态" },
  payload: { en: "Content", zh: "内容" },
  record: { en: "Record", zh: "记录" },
  original: { en: "Record", zh: "原记录" },
  correction: { en: "Correction", zh: "更正记录" },
  "record state": { en: "Review", zh: "核查" },
  "original state": { en: "Review of the record", zh: "原记录的核查" },
  "correction state": { en: "Review of the correction", zh: "更正记录的核查" },
  steps: { en: "Correction path", zh: "更正路径" },
  step: { en: "Correction path, step", zh: "更正路径，第" },
  "private block": { en: "Block of the private chain", zh: "私有链区块" },
  decision: { en: "Decision to promote", zh: "上传决定" },
  standing: { en: "Where it stands", zh: "现状" },
  effect: { en: "Effect", zh: "生效" },
  asked: { en: "What was asked for", zh: "所查询的内容" },
  "as of": { en: "How recent", zh: "时效" },
};

/** A step's name for people. "statement 2" is known by "statement". */
export function titleOf(step: string): Words {
  const known = TITLES[step];
  if (known !== undefined) return known;
  const [, kind, number] = /^(.*) (\d+)$/.exec(step) ?? [];
  const words = TITLES[kind ?? ""];
  if (words === undefined) return { en: step, zh: step };
  return { en: `${words.en} ${number}`, zh: kind === "step" ? `${words.zh} ${number} 步` : `${words.zh} ${number}` };
}
