// A network of real nodes that tells its main story, and beside it one of our own: records with hostile texts, a training between two
// assessments, and one that is erased.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { encode } from "./encode";

const run = promisify(execFile);
export const root = resolve(__dirname, "../../..");
/** People of the main story; more take longer and show nothing more. */
const kPeople = 12;
const kPatienceMs = 120_000;

/** Text that would do harm where it was taken for anything but text; the chain takes 64 bytes at most. */
export const kHostile = "\u202e<script>h()</script><img src=x onerror=h()>\u2066";

/** What the tests look at. Serialisable: vitest hands it from the setup to the tests. */
export interface World {
  url: string;
  /** Of the main story. */
  correction: string;
  original: string;
  /** Of our own. */
  hostile: string;
  after: string;
  training: string;
  erased: string;
  /** Proof of `hostile` from before the chain went on, in base64. */
  stale: string;
}

/** A network, and what was started for it. */
export class Network {
  readonly dir = mkdtempSync(join(tmpdir(), "talent-explorer-"));
  private story: ChildProcess | undefined;
  private told = "";
  private ended: number | null | undefined;

  constructor(readonly talentd: string) {}

  /** Starts the nodes and begins the main story. */
  async start(): Promise<void> {
    mkdirSync(join(this.dir, "csv"));
    const people = (name: string): string => {
      const lines = readFileSync(join(root, "data", name), "utf8").split("\n").slice(0, kPeople + 1);
      writeFileSync(join(this.dir, "csv", name), `${lines.join("\n")}\n`);
      return join(this.dir, "csv", name);
    };
    const options = ["--dir", this.net, "--csv", people("hr-sample.csv"), "--csv-b", people("hr-sample-b.csv")];
    options.push("--mapping", join(root, "data/hr-mapping.toml"), "--explorer", join(root, "explorer/dist"));
    this.story = spawn(this.talentd, ["devnet", ...options], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.story.stdout, this.story.stderr]) stream?.on("data", (text) => (this.told += String(text)));
    this.story.on("exit", (code) => (this.ended = code));
    await until("the nodes run", () => this.told.includes("[1/10]"), () => this.broken());
  }

  /** The id of the main story's correction, once it is told. */
  async mainStory(): Promise<string> {
    await until("the story is told", () => this.ended === 0, () => this.broken());
    return /correction record: ([0-9a-f]{64})/.exec(this.told)?.[1] ?? "";
  }

  /** Where the public follower serves the explorer. */
  get url(): string {
    const { nodes } = this.endpoints();
    const web = nodes.map((node) => node.web).find((address) => address !== undefined);
    if (web === undefined) throw new Error("no node of the network has a web address");
    return `http://${web}`;
  }

  /** Id of a chain. */
  chain(name: string): string {
    return this.endpoints().chains.find((chain) => chain.name === name)?.id ?? "";
  }

  /** Signs and submits a record; its id. Errors: the node's refusal. */
  async submit(party: string, chain: string, kind: string, payload: object, disclosure = "none"): Promise<string> {
    const node = join(this.net, "nodes", party, "keys/party.key");
    const key = existsSync(node) ? node : join(this.net, "enterprises", `${party}.key`);
    const common = ["--endpoints", join(this.net, "endpoints.json"), "--passphrase-file", join(this.net, "passphrase")];
    const record = ["record", "submit", kind, JSON.stringify(payload), "--disclosure", disclosure, "--chain", chain, "--key", key];
    const { stdout } = await run(this.talentd, [...record, ...common, "--output", "json"]);
    return (JSON.parse(stdout) as { id: string }).id;
  }

  async end(): Promise<void> {
    this.story?.kill();
    if (existsSync(this.net)) await run(this.talentd, ["devnet", "--dir", this.net, "--clean"]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  private get net(): string {
    return join(this.dir, "net");
  }
  private broken(): string {
    return this.ended === undefined || this.ended === 0 ? "" : `devnet ended with ${this.ended}:\n${this.told.slice(-2000)}`;
  }
  private endpoints(): { chains: { name: string; id: string }[]; nodes: { web?: string }[] } {
    return JSON.parse(readFileSync(join(this.net, "endpoints.json"), "utf8")) as ReturnType<Network["endpoints"]>;
  }
}

/** Our own story: what it has published. */
export async function tellOwn(network: Network): Promise<Pick<World, "hostile" | "after" | "training" | "erased" | "stale">> {
  const subject = randomBytes(32).toString("hex");
  const write = (kind: string, payload: object, disclosure = "full"): Promise<string> =>
    network.submit("centre-1", "private-a", kind, { subject_id: subject, ...payload }, disclosure);
  await write("SubjectRegistered", { commitment: subject, custodian: "centre-1", consent_version: 1 }, "private");
  const tiers = ["CONSENT_TIER_CONSORTIUM", "CONSENT_TIER_PUBLIC"];
  await write("ConsentGiven", { tiers, purpose: "public record", until_ms: String(Date.now() + 1e10) }, "private");
  const hostile = await write("AbilityAssessed", assessment("ENTRY", 4000));
  const after = await write("AbilityAssessed", assessment("AFTER_TRAINING", 6500));
  const training = await write("TrainingCompleted", {
    course: kHostile, hours: 40, budget_class: "BUDGET_CLASS_B", outcome: "TRAINING_OUTCOME_PASSED",
    before_assessment: hostile, after_assessment: after,
  });
  const erased = await write("AbilityAssessed", assessment("ENTRY", 1000));
  const records = [hostile, after, training, erased];
  await Promise.all(["globex", "centre-4"].map((member) => confirm(network, member, records)));
  await Promise.all(records.map((record) => published(network, record)));
  const proof = await fetch(`${network.url}/api/v1/chains/public/proofs/${hostile}`);
  const stale = Buffer.from(await proof.arrayBuffer()).toString("base64");
  await write("Erased", { ground: "ERASURE_GROUND_LEGAL_DUTY", reference: "file 7", records: [erased] }, "commitment");
  return { hostile, after, training, erased, stale };
}

/** The record as the public follower has it, once it does and is `good`. */
export async function published(network: Network, id: string, good: (record: { status: string }) => boolean = () => true): Promise<void> {
  await until(`record ${id} is published`, async () => {
    const answer = await fetch(`${network.url}/api/v1/chains/public/records/${id}`);
    return answer.ok && good((await answer.json()) as { status: string });
  });
}

export async function until(what: string, done: () => boolean | Promise<boolean>, broken: () => string = () => ""): Promise<void> {
  const end = Date.now() + kPatienceMs;
  while (!(await done())) {
    if (broken() !== "") throw new Error(broken());
    if (Date.now() > end) throw new Error(`it took too long until ${what}`);
    await new Promise((resume) => setTimeout(resume, 200));
  }
}

function assessment(phase: string, base: number): object {
  const dimensions = ["analysis", "communication", "\u202eويل<b>", "经验", `long ${"x".repeat(50)}`, "safety"];
  return {
    scores: dimensions.map((dimension, i) => ({ dimension, value: base + 400 * ((i * 7) % 5) })),
    method: kHostile,
    assessor: "board-7",
    phase: `ASSESSMENT_PHASE_${phase}`,
    tags: [{ industry: "data-science", match: "TAG_MATCH_MATCHED", weight: 8000 }, { industry: "<b>\u202e", match: "TAG_MATCH_MATCHABLE", weight: 100 }],
    attributes: [{ name: "education_level", value: `${kHostile}${"很长".repeat(30)}` }],
  };
}

// Commits as soon as a record has been promoted, and reveals as soon as no more commits are taken: what comes too early is refused.
async function confirm(network: Network, member: string, records: string[]): Promise<void> {
  const verdict = { fields: [{ field: "*", verdict: 1 }] };
  await Promise.all(
    records.map(async (record) => {
      const salt = randomBytes(32);
      const chainId = Buffer.from(network.chain("consortium"), "hex");
      const opening = encode("ReviewOpening", { chainId, recordId: Buffer.from(record, "hex"), member, verdict, salt });
      await insist(() => network.submit(member, "consortium", "ReviewCommitted", { record_id: record, commitment: tagged("talent/review-commit/v1", opening) }));
      const shown = { fields: [{ field: "*", verdict: "FIELD_VERDICT_CONFIRM" }] };
      await insist(() => network.submit(member, "consortium", "ReviewRevealed", { record_id: record, verdict: shown, salt: salt.toString("hex") }));
    }),
  );
}

async function insist(submit: () => Promise<string>): Promise<void> {
  let why: unknown;
  await until("the consortium takes a review", async () => {
    try {
      await submit();
      return true;
    } catch (error) {
      why = error;
      return false;
    }
  }).catch((late: unknown) => {
    throw new Error(`${String(late)}: ${String(why)}`);
  });
}

function tagged(tag: string, bytes: Uint8Array): string {
  const padded = Buffer.alloc(32);
  padded.write(tag);
  return createHash("sha256").update(padded).update(bytes).digest("hex");
}
