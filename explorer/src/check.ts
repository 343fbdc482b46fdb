// What the node says, checked from the pinned genesis before any of it is shown. The verifier is that of sdk/typescript; this adds
// the pin, the statement about where a record stands, and what was last seen.
import * as v from "valibot";
import { type Block, type Proven, type Step, type Verdict, verifyProof, verifyStatement } from "talentchain/verify";
import { ApiError, getBytes, getJson } from "./api";
import { concat, equal, fromHex, toHex, utf8 } from "./bytes";
import { type Pin, type Store, browserStore, decidePin, highestSeen, holds, rememberHeight } from "./pin";
import { StateAnswer } from "./shapes";

/** A chain's genesis as the node gave it, and whether it is the trusted one. */
export interface Trust {
  chain: string;
  genesis: Uint8Array;
  pin: Pin;
  /** Names of parties by their keys, as the genesis has them; empty where it is not the trusted one. */
  parties: ReadonlyMap<string, string>;
}

/** Outcome of a check: the steps in order, and what is proven where all of them hold. */
export interface Checked {
  ok: boolean;
  steps: Step[];
  failed?: string;
  proven?: Proven;
}

const kNoProof = new Uint8Array();
const store: Store = browserStore();
const trusted = new Map<string, Promise<Trust>>();

/** The pin in the address, `?pin=`; null where there is none. */
const linkPin = (): string | null => new URLSearchParams(location.search).get("pin");

/** The genesis of a chain and the pin, once a visit. Errors: ApiError. */
export function trustOf(chain: string): Promise<Trust> {
  let trust = trusted.get(chain);
  if (trust === undefined) {
    trust = loadTrust(chain);
    trusted.set(chain, trust);
    // A node that does not answer is asked again.
    trust.catch(() => trusted.delete(chain));
  }
  return trust;
}

/** Forgets what was loaded, so that the next look asks the node again. */
export const forgetTrust = (chain: string): boolean => trusted.delete(chain);

async function loadTrust(chain: string): Promise<Trust> {
  const genesis = await getBytes(`chains/${chain}/genesis`);
  // The verifier names the chain whatever it thinks of the proof; it names none where the file is bad.
  const given = (await verifyProof(genesis, kNoProof)).chain?.id ?? "";
  const pin = decidePin(chain, given, __GENESIS_PIN__, linkPin(), store);
  return { chain, genesis, pin, parties: holds(pin) ? readParties(genesis) : new Map() };
}

/** Checks the node's proof of a record or transaction, but for what it is about. Errors: ApiError, where it gives none. */
export async function checkProof(trust: Trust, id: string): Promise<Checked> {
  if (!holds(trust.pin)) return pinBroken(trust.pin);
  const proof = await getBytes(`chains/${trust.chain}/proofs/${id}`);
  const seen = highestSeen(trust.pin.id, store);
  const checked = pinned(trust.pin, await verifyProof(trust.genesis, proof));
  return keepUp(trust.pin, seen, checked);
}

/** Checks the node's proof of the transaction `id`. Errors: ApiError, where it gives none. */
export async function checkTransaction(trust: Trust, id: string): Promise<Checked> {
  const checked = await checkProof(trust, id);
  if (checked.proven === undefined || checked.proven.transaction?.id === id) return checked;
  return fail(checked, "asked", kOtherTransaction);
}

/** Checks the node's word on one entry of the state as it is now. Errors: ApiError. */
export async function checkState(trust: Trust, key: Uint8Array): Promise<Checked & { value?: Uint8Array }> {
  const seen = highestSeen(trust.pin.id, store);
  const checked = keepUp(trust.pin, seen, await checkStatement(trust, key, ""));
  const statement = checked.proven?.statements[0];
  return statement?.present === true ? { ...checked, value: statement.value } : checked;
}

/** Checks that a block was sealed, by an entry that every state has. Errors: ApiError, where the node has not kept that state. */
export const checkHeight = (trust: Trust, height: number): Promise<Checked> =>
  checkStatement(trust, utf8("epoch/current"), `&at=${height}`);

async function checkStatement(trust: Trust, key: Uint8Array, at: string): Promise<Checked> {
  if (!holds(trust.pin)) return pinBroken(trust.pin);
  const answer = await getJson(`chains/${trust.chain}/state/${toHex(key)}?prove=1${at}`, StateAnswer);
  const epochs = answer.epochs.map(fromHex);
  const checked = pinned(trust.pin, await verifyStatement(trust.genesis, fromHex(answer.statement), { epochs }));
  const statement = checked.proven?.statements[0];
  if (!checked.ok) return checked;
  return statement !== undefined && equal(statement.key, key) ? checked : fail(checked, "statement", kOtherKey);
}

/** The block of the newest header in a proof: what is proven is proven as of then. */
export function asOf(proven: Proven): Block {
  return proven.statements.reduce((newest, { block }) => (block.height > newest.height ? block : newest), proven.block);
}

/** Value of the entry "pub/<id>" that the proof states; undefined where it states none. */
export function statedRecord(proven: Proven, id: string): Uint8Array | undefined {
  const key = concat(utf8("pub/"), fromHex(id));
  return proven.statements.find((statement) => statement.present && equal(statement.key, key))?.value;
}

const kOtherTransaction = { en: "the proof is about another transaction", zh: "证明与所问交易无关" };
const kOtherKey = { en: "the node proved another entry than was asked for", zh: "节点证明的不是所问的条目" };

/** A step more, which failed. */
export function fail(checked: Checked, name: string, detail: Step["detail"]): Checked {
  const step: Step = { name, ok: false, checked: true, title: { en: name, zh: name }, detail };
  return { ok: false, steps: [...checked.steps, step], failed: name };
}

// An answer from below what this browser has proven before is stale, or from a node that went back. The newest header decides: the
// record itself may be old.
function keepUp(pin: Pin, seen: bigint, checked: Checked): Checked {
  if (!checked.ok || checked.proven === undefined) return checked;
  const { height } = asOf(checked.proven);
  if (height < seen) {
    return fail(checked, "as of", {
      en: `stale: proven as of height ${height}, while this browser has seen ${seen}`,
      zh: `已过时：证明截至高度 ${height}，而此浏览器已见过 ${seen}`,
    });
  }
  rememberHeight(pin.id, height, store);
  return checked;
}

function pinned(pin: Pin, verdict: Verdict): Checked {
  const { ok, steps, failed, proven } = verdict;
  const all = [pinStep(pin), ...steps];
  if (ok && proven !== undefined) return { ok, steps: all, proven };
  return { ok: false, steps: all, failed: failed ?? "receipt" };
}

const pinBroken = (pin: Pin): Checked => ({ ok: false, steps: [pinStep(pin)], failed: "pinned genesis" });

function pinStep(pin: Pin): Step {
  const ok = holds(pin);
  const given = pin.given === "" ? { en: "no genesis", zh: "无效的创世文件" } : { en: pin.given, zh: pin.given };
  return {
    name: "pinned genesis",
    ok,
    checked: true,
    title: { en: "Pinned genesis", zh: "锁定的创世文件" },
    detail: ok
      ? { en: `chain ${pin.id}`, zh: `链 ${pin.id}` }
      : { en: `pinned is ${pin.id}, the node gives ${given.en}`, zh: `锁定为 ${pin.id}，节点提供 ${given.zh}` },
  };
}

const Parties = v.object({
  app: v.object({ parties: v.array(v.object({ id: v.string(), keys: v.array(v.string()) })) }),
});

function readParties(genesis: Uint8Array): Map<string, string> {
  const parsed = v.safeParse(Parties, JSON.parse(new TextDecoder().decode(genesis)));
  const names = new Map<string, string>();
  if (!parsed.success) return names;
  for (const party of parsed.output.app.parties) for (const key of party.keys) names.set(key.toLowerCase(), party.id);
  return names;
}

/** True for an answer that says that there is no such thing. */
export const isAbsent = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
