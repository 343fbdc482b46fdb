// Proofs with any one byte changed: the step that fails is the light client's in C++.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after } from "node:test";

import { type CryptoBackend, verifyProof, verifyStatement } from "talentchain/verify";

import { BACKENDS } from "./backends.js";
import { MAKE_PROOFS } from "./environment.js";
import { fields } from "./fields.js";

const folder = mkdtempSync(path.join(tmpdir(), "talent-proofs-"));
after(() => rmSync(folder, { recursive: true }));
execFileSync(MAKE_PROOFS, [folder]);
const read = (name: string) => new Uint8Array(readFileSync(path.join(folder, name)));

async function verdict(genesis: Uint8Array, proof: Uint8Array, crypto: CryptoBackend): Promise<string> {
  const { ok, failed, steps, proven } = await verifyProof(genesis, proof, { crypto });
  assert.equal(ok, failed === undefined);
  assert.equal(ok, proven !== undefined);
  assert.deepEqual(steps.filter((step) => !step.ok).map((step) => step.name), ok ? [] : [failed]);
  for (const step of steps) {
    assert.ok(step.title.en && step.title.zh && step.detail.en && step.detail.zh, step.name);
    assert.doesNotMatch(step.detail.en + step.detail.zh, /\p{Cc}/u);
  }
  return failed ?? "holds";
}

/** `sample`: every byte, or one in so many. */
async function compare(name: string, crypto: CryptoBackend, sample: number): Promise<void> {
  const genesis = read(`${name}.genesis`);
  const good = read(`${name}.proof`);
  const expected = readFileSync(path.join(folder, `${name}.verdicts`), "utf8").trimEnd().split("\n");
  assert.equal(expected.length, good.length);
  assert.equal(await verdict(genesis, good, crypto), "holds");
  let refused = 0;
  for (let i = 0; i < good.length; i += sample) {
    const bad = good.slice();
    bad[i]! ^= 1 << i % 8;
    const step = await verdict(genesis, bad, crypto);
    assert.equal(step, expected[i], `${name}, byte ${i}`);
    if (step !== "holds") ++refused;
  }
  // A changed key of a proof of absence may share the absent one's place; everything else is refused.
  assert.ok(refused >= Math.floor((Math.ceil(good.length / sample) * 98) / 100), `${name}: ${refused} refused`);
}

for (const [backend, crypto] of BACKENDS) {
  for (const name of ["plain", "statements", "withheld", "epochs"]) {
    test(`${name}, each byte changed, by ${backend}: refused at the step where C++ refuses it`, async () => {
      await compare(name, crypto, backend === "node:crypto" ? 1 : 13);
    });
  }
}

test("a proof cut, lengthened, doubled, empty", async () => {
  const genesis = read("plain.genesis");
  const good = read("plain.proof");
  const bad = [good.subarray(0, -1), [...good, 0], [...good, ...good]].map((bytes) => Uint8Array.from(bytes));
  for (const bytes of bad) assert.equal((await verifyProof(genesis, bytes)).failed, "encoding");
  assert.equal((await verifyProof(genesis, new Uint8Array())).failed, "header");
});

test("another genesis is another chain, and a bad one is no verdict on the proof", async () => {
  const proof = read("plain.proof");
  const genesis = read("plain.genesis");
  assert.equal((await verifyProof(Uint8Array.of(...genesis, 32), proof)).failed, "header");
  const text = Buffer.from(genesis).toString();
  const bad = ["", "{}", "[]", "null", "\u00ff", text.slice(1), text.replace('"format":1', '"format":2'),
    text.replace('"format":1', '"format":1,"format":1'), text.replace('"app":{}', '"app":{"a":1,"\\u0061":1}'),
    text.replace(/"vote_key":"../, '"vote_key":"'), text.replace('"name":"v0"', '"name":"v1"'),
    text.replace(/"validators":\[.*?\]/, '"validators":[]'), text.replace('"app":{}', '"app":{},"more":1')];
  for (const [i, one] of bad.entries()) {
    const verdict = await verifyProof(new Uint8Array(Buffer.from(one, i === 4 ? "latin1" : "utf8")), proof);
    assert.equal(verdict.failed, "genesis", one.slice(0, 60));
    assert.equal(verdict.chain, undefined);
  }
});

test("Node's buffers, whose slices share memory, verify and stay as they are", async () => {
  for (const [, crypto] of BACKENDS) {
    const [genesis, proof] = ["epochs.genesis", "epochs.proof"].map((name) => readFileSync(path.join(folder, name)));
    const copy = Buffer.from(proof!);
    const verdict = verifyProof(genesis!, proof!, { crypto });
    proof![0]! ^= 1; // too late
    assert.equal((await verdict).failed, undefined);
    proof![0]! ^= 1;
    assert.ok(proof!.equals(copy));
  }
});

test("the worked example of docs/protocol.md", async () => {
  const { ok, proven, chain } = await verifyProof(read("example.genesis"), read("example.proof"));
  const values = new Map(readFileSync(path.join(folder, "examples"), "utf8").trimEnd().split("\n")
    .map((line) => line.split(" ") as [string, string]));
  assert.ok(ok);
  assert.equal(chain?.id, values.get("chain"));
  assert.equal(proven?.block.hash, values.get("block_hash"));
  assert.equal(proven?.transaction?.id, values.get("tx_id"));
  assert.equal(proven?.transaction?.kind, "Put");
  assert.equal(Buffer.from(proven?.transaction?.payload ?? []).toString("hex"), values.get("payload"));
});

test("what a proof says: block, transaction and statements", async () => {
  const { proven, steps } = await verifyProof(read("statements.genesis"), read("statements.proof"));
  assert.deepEqual(proven?.statements.map((s) => [s.block.height, s.present]), [[2n, true], [2n, false], [1n, false]]);
  assert.equal(Buffer.from(proven!.statements[0]!.key).toString(), "kv/k3");
  assert.equal(Buffer.from(proven!.statements[0]!.value).toString(), "new");
  assert.equal(proven?.block.height, 1n);
  assert.equal(proven?.block.validators, 4);
  assert.deepEqual(steps.map((step) => step.name), ["genesis", "encoding", "header", "certificate", "envelope",
    "author signature", "payload hash", "transaction path", "receipt path", "receipt",
    "statement 1", "statement 2", "statement 3"]);
  assert.equal(steps.find((step) => step.name === "statement 2")?.title.zh, "状态陈述 2");
  const withheld = await verifyProof(read("withheld.genesis"), read("withheld.proof"));
  assert.equal(withheld.proven?.transaction?.payload, undefined);
  assert.equal(withheld.steps.find((step) => step.name === "payload hash")?.checked, false);
});

test("an answer about something else, and a stale one", async () => {
  const genesis = read("statements.genesis");
  const proof = read("statements.proof");
  const good = await verifyProof(genesis, proof);
  const { id } = good.proven!.transaction!;
  const newest = good.proven!.statements[0]!.block;
  const fresh = { id: id.toUpperCase(), minHeight: newest.height, notBeforeMs: newest.timeMs };
  assert.ok((await verifyProof(genesis, proof, fresh)).ok);
  assert.equal((await verifyProof(genesis, proof, { id: "00".repeat(32) })).failed, "asked");
  assert.equal((await verifyProof(genesis, proof, { id: "x" })).failed, "asked");
  assert.equal((await verifyProof(genesis, proof, { minHeight: newest.height + 1n })).failed, "as of");
  assert.equal((await verifyProof(genesis, proof, { notBeforeMs: newest.timeMs + 1n })).failed, "as of");
});

test("a statement by itself, in the first epoch and in a later one", async () => {
  // Field 6 of the proof is a list of statements; the first is what GetState answers.
  const genesis = read("statements.genesis");
  const statement = fields(read("statements.proof"), 6)[0]!;
  const { ok, proven } = await verifyStatement(genesis, statement, { minHeight: 2n });
  assert.ok(ok);
  assert.equal(Buffer.from(proven!.statements[0]!.value).toString(), "new");
  for (let i = 0; i < statement.length; i += 7) {
    const bad = statement.slice();
    bad[i]! ^= 1 << i % 8;
    assert.ok(!(await verifyStatement(genesis, bad)).ok, `byte ${i}`);
  }
  assert.equal((await verifyStatement(genesis, statement, { minHeight: 3n })).failed, "as of");
  assert.ok((await verifyStatement(genesis, statement, { key: new TextEncoder().encode("kv/k3") })).ok);
  assert.equal((await verifyStatement(genesis, statement, { key: Uint8Array.of(1) })).failed, "asked");
  assert.equal((await verifyStatement(genesis, statement, { epochs: [Uint8Array.of(1)] })).failed, "epoch 1");
  const later = await verifyProof(read("epochs.genesis"), read("epochs.proof"));
  assert.equal(later.proven?.epochs.length, 1);
});
