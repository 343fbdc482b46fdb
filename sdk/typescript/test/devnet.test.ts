// Members at work on a network of real nodes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import test, { after, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

import {
  type Chain, Client, KeyPair, NoEffect, Review, TalentError, type TransactionView, decode, idBytes, ledger, node, signTransaction,
  stateKey, tiers, verifyProof,
} from "talentchain";

import { Devnet, Proxy } from "./devnet.js";
import { EXAMPLES } from "./environment.js";
import { Forge } from "./forge.js";
import { theirVerdict } from "./their_verdict.js";

const devnet = new Devnet();
before(() => devnet.start(), { timeout: 120_000 });
after(() => devnet.stop());

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof TalentError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};
const hash = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());
const person = (name: string) => ({
  subjectId: hash(`subject ${name}`), commitment: hash(`file ${name}`), custodian: "centre-1", consentVersion: 1,
});

test("a node says who it is and which chains it has, to who pins its certificate", async () => {
  const client = await devnet.connect("centre-1");
  const { name, chains } = await client.status();
  assert.equal(name, "centre-1");
  assert.deepEqual(chains.map((chain) => chain.tier).sort(), ["consortium", "private", "public"]);
  assert.equal((await client.chain("private")).name, "private-a");
  await assert.rejects(client.chain("nothing"), code("NOT_FOUND"));
  const { address } = devnet.node("centre-1");
  await assert.rejects(Client.connect({ address, certificate: devnet.node("centre-2").certificate }), code("UNAVAILABLE"));
  await assert.rejects(Client.connect({ address: "127.0.0.1:1", certificate: devnet.node("centre-1").certificate }), code("UNAVAILABLE"));
});

/** What a program of the examples prints. */
async function example(name: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, TALENT_ENDPOINTS: devnet.endpoints };
  const cwd = path.join(devnet.dir, "examples");
  mkdirSync(cwd, { recursive: true });
  return (await promisify(execFile)(process.execPath, [path.join(EXAMPLES, `${name}.js`), ...args], { cwd, env })).stdout;
}

test("a record goes from its assessment through review to a proof that anybody can check, in the examples", async () => {
  const reviewing = example("review");
  const record = (await example("assess")).trim();
  assert.match(record, /^[0-9a-f]{64}$/);
  const reviewed = await reviewing;
  assert.match(reviewed, /acme has revealed/);
  assert.match(reviewed, /globex has revealed/);
  assert.match(await example("verify", record), /^OK +standing .*not superseded$/m);
  assert.match(await example("follow", "3"), /^1 /m);

  // The same by the package itself.
  const chain = await (await devnet.connect("viewer")).chain("public");
  const published = await chain.get(tiers.PublishedRecordSchema, "pub/", idBytes(record));
  assert.equal(published?.status, tiers.RecordStatus.VERIFIED);
  const genesis = await devnet.network.genesis("public");
  const { ok, proven, steps } = await chain.verify(record, genesis, { notBeforeMs: published.publishedMs });
  assert.ok(ok && steps.every((step) => step.checked));
  const { transaction, review, standing } = proven!.records[0]!;
  assert.deepEqual([transaction.id, review?.status, review?.confirmations], [record, "VERIFIED", 2]);
  assert.deepEqual([standing?.status, standing?.supersededBy], ["VERIFIED", undefined]);
  const entry = await chain.verifyState(genesis, stateKey("pub/", idBytes(record)));
  assert.ok(entry.ok && entry.proven?.statements[0]?.present);
  const absent = await chain.verifyState(genesis, stateKey("pub/", new Uint8Array(32)));
  assert.ok(absent.ok && !absent.proven?.statements[0]?.present);

  // A review is over once.
  const acme = await devnet.session("centre-2", "consortium", "acme");
  const kept = readFileSync(path.join(devnet.dir, "examples", `acme-${record.slice(0, 8)}.review`));
  await assert.rejects(Review.fromBytes(kept).commit(acme), code("PRECONDITION"));
  await assert.rejects(Review.fromBytes(kept).reveal(acme), TalentError);
  assert.throws(() => Review.fromBytes(kept.subarray(1)), code("INVALID_ARGUMENT"));
  await assert.rejects(Review.of(acme, "12", []), code("INVALID_ARGUMENT"));
});

test("the programs in the README run", async () => {
  const folder = path.join(devnet.dir, "examples");
  symlinkSync(devnet.net, path.join(devnet.dir, ".devnet"));
  const chain = await (await devnet.connect("viewer")).chain("public");
  writeFileSync(path.join(folder, "record.proof"), await chain.proof(await firstRecord(chain, "pub/")));
  writeFileSync(path.join(folder, "public.genesis.json"), await devnet.network.genesis("public"));
  assert.match(await example("readme-1"), /^acme has .* points$/m);
  assert.match(await example("readme-2"), /^OK standing /m);
});

test("both verifiers say the same of real proofs, and of their evidence sealed anew", async () => {
  const consortium = await devnet.session("centre-2", "consortium", "centre-1"); // which may read its own at once
  const viewer = await (await devnet.connect("viewer")).chain("public");
  for (const [chain, prefix] of [[viewer, "pub/"], [consortium, "rec/"]] as const) {
    const genesis = await devnet.network.genesis(chain.name);
    const proof = await chain.proof(await firstRecord(chain, prefix));
    const theirs = await theirVerdict(genesis, proof);
    const steps = (await verifyProof(genesis, proof)).steps.map((step) => step.name);
    assert.ok(theirs.ok);
    for (const step of theirs.steps) assert.ok(steps.includes(step), step);
    for (const bad of changed(proof, 8)) {
      assert.equal((await verifyProof(genesis, bad)).failed, (await theirVerdict(genesis, bad)).failed);
    }
    await compareEvidence(decode(ledger.TransactionProofSchema, proof));
  }
});

/** The first record under a prefix of the state. */
async function firstRecord(chain: Chain, prefix: "pub/" | "rec/"): Promise<string> {
  const schema = prefix === "pub/" ? tiers.PublishedRecordSchema : tiers.ConsortiumRecordSchema;
  for await (const { key } of chain.scan(schema, prefix)) return Buffer.from(key.subarray(prefix.length)).toString("hex");
  throw new Error(`nothing under ${prefix}`);
}

/** `bytes` with one changed, at so many places. */
function changed(bytes: Uint8Array, places: number): Uint8Array[] {
  return Array.from({ length: places }, (_, i) => {
    const at = Math.floor(((i + 0.5) * bytes.length) / places);
    return bytes.map((byte, j) => (j === at ? byte ^ (1 << i % 8) : byte));
  });
}

/** The proof's evidence under a chain of our own, as it is and with bytes changed that are then sealed. */
async function compareEvidence({ transaction, payload, statements }: ledger.TransactionProof): Promise<void> {
  const forge = await Forge.make();
  const { kind } = decode(ledger.EnvelopeSchema, transaction!.envelope);
  const { data } = payload!;
  const state = statements.map(({ proof }) => ({ key: proof!.key, value: proof!.value }));
  const seen = new Set<string>();
  const compare = async (proof: Uint8Array) => {
    const [ours, theirs] = [await verifyProof(forge.genesis, proof), await theirVerdict(forge.genesis, proof)];
    assert.deepEqual([ours.ok, ours.failed], [theirs.ok, theirs.failed]);
    seen.add(ours.failed ?? "holds");
  };
  await compare(forge.proof({ kind, data, state }));
  await compare(forge.proof({ kind, data }));
  await compare(forge.proof({ kind, data: data.subarray(0, -1), state })); // no message at all
  for (const bad of changed(data, 16)) await compare(forge.proof({ kind, data: bad, state }));
  for (const [i, { value }] of state.entries()) {
    for (const bad of changed(value, 2)) {
      await compare(forge.proof({ kind, data, state: state.map((entry, j) => (i === j ? { ...entry, value: bad } : entry)) }));
    }
  }
  // Which other steps fail lies in the ids, which are random.
  for (const step of ["holds", "payload"]) assert.ok(seen.has(step), `${step} is not among ${[...seen].join()}`);
  assert.ok(seen.size >= 3, [...seen].join());
}

test("submitting again has the same outcome, also through broken connections", async () => {
  const { address, certificate } = devnet.node("centre-3");
  const proxy = await Proxy.to(address);
  const client = await Client.connect({ address: proxy.address, certificate });
  try {
    const centre = await client.chain("private-a");
    await centre.login(await devnet.key("centre-1"));
    const transaction = await centre.sign(tiers.SubjectRegisteredSchema, person("two"), { disclosure: ledger.Disclosure.PRIVATE });
    const waiting = centre.submitAndWait(transaction);
    const broken = pause(20).then(() => proxy.breakConnections());
    const outcome = await waiting;
    await broken;
    assert.equal(outcome.status, "sealed");
    assert.deepEqual(await centre.submitAndWait(transaction), outcome);
    assert.deepEqual(await centre.standing(transaction.id), outcome);
    await assert.rejects(centre.submit(transaction), code("DUPLICATE"));
    assert.equal((await centre.transaction(transaction.id))?.kind, "SubjectRegistered");
  } finally {
    client.close();
    proxy.close();
  }
});

test("following goes on where it was after a broken connection, and ends when told", async () => {
  const { address, certificate } = devnet.node("centre-1");
  const proxy = await Proxy.to(address);
  const client = await Client.connect({ address: proxy.address, certificate });
  const centre = await devnet.session("centre-1", "private-a", "centre-1");
  try {
    const chain = await client.chain("private-a");
    await chain.login(await devnet.key("centre-1"));
    const head = await chain.head();
    const stop = new AbortController();
    const heights: bigint[] = [];
    let found: TransactionView | undefined;
    let submitted: Promise<unknown> | undefined;
    for await (const block of chain.follow({ signal: stop.signal })) {
      heights.push(block.height);
      if (block.height === 2n || block.height === head) proxy.breakConnections();
      if (block.height === head) submitted = centre.send(tiers.SubjectRegisteredSchema, person("three"), { disclosure: ledger.Disclosure.PRIVATE });
      found = block.transactions.find(({ message }) =>
        message?.$typeName === "talent.tiers.v1.SubjectRegistered" &&
        Buffer.from((message as tiers.SubjectRegistered).subjectId).equals(person("three").subjectId));
      if (found) stop.abort();
    }
    await submitted;
    assert.equal(found?.kind, "SubjectRegistered");
    assert.equal(found?.author, (await devnet.key("centre-1")).id);
    assert.deepEqual(heights, heights.map((_, i) => BigInt(i + 1)), "each height once and in order");
    assert.equal((await chain.block(1n)).height, 1n);
  } finally {
    client.close();
    proxy.close();
  }
});

test("a token that has ended is got again", async () => {
  const centre = await devnet.session("centre-1", "private-a", "centre-1");
  Object.assign(centre, { token: "0".repeat(64) });
  assert.equal(await centre.party(), "centre-1");
});

test("refusals are typed", async () => {
  const client = await devnet.connect("centre-1");
  const centre = await devnet.session("centre-1", "private-a", "centre-1");
  const stranger = await client.chain("private-a");
  const key = await devnet.key("centre-1");
  const subject = person("four");
  const privately = { disclosure: ledger.Disclosure.PRIVATE };

  await assert.rejects(stranger.party(), code("UNAUTHORIZED"));
  await assert.rejects(stranger.get(tiers.PartySchema, "party/centre-1"), code("UNAUTHORIZED"));
  await assert.rejects(stranger.login(KeyPair.generate()), code("UNAUTHORIZED"));
  await assert.rejects(centre.send(tiers.SubjectRegisteredSchema, { ...subject, custodian: "nobody" }, privately), TalentError);
  await assert.rejects(centre.send(tiers.SubjectRegisteredSchema, person("two"), privately), code("DUPLICATE"));
  await assert.rejects(centre.block(1_000_000n), code("NOT_FOUND"));
  await assert.rejects(centre.proof("00".repeat(32)), code("NOT_FOUND"));
  await assert.rejects(centre.proof("zz"), code("INVALID_ARGUMENT"));
  assert.equal(await centre.transaction("00".repeat(32)), undefined);
  assert.deepEqual(await centre.standing("00".repeat(32)), { id: "00".repeat(32), status: "unknown" });

  const sign = (chain: Uint8Array, validUntil: bigint, by = key) =>
    signTransaction(tiers.SubjectRegisteredSchema, subject, { chain, key: by, validUntil, ...privately });
  assert.equal((await centre.submitAndWait(sign(centre.id, 1n))).status, "expired");
  await assert.rejects(centre.submit(sign(new Uint8Array(randomBytes(32)), 100n)), code("WRONG_CHAIN"));
  await assert.rejects(centre.submit(sign(centre.id, 10n ** 9n)), TalentError);
  await assert.rejects(centre.submit(sign(centre.id, (await centre.head()) + 100n, KeyPair.generate())), code("UNAUTHORIZED"));
  const good = sign(centre.id, (await centre.head()) + 100n);
  const forged = good.bytes.slice();
  const at = Buffer.from(forged).indexOf(Buffer.from([0x12, 0x40])) + 10; // inside field 2, the signature
  forged[at]! ^= 1;
  await assert.rejects(centre.submit({ ...good, bytes: forged }), code("BAD_SIGNATURE"));
  await assert.rejects(centre.submit({ ...good, bytes: good.bytes.subarray(1) }), (error) =>
    code("INVALID_ARGUMENT")(error) && (error as TalentError).field === "transaction");
  await assert.rejects(client.call(node.Node.method.listEvidence, { chainId: new Uint8Array(32) }), code("NOT_FOUND"));
  assert.throws(() => signTransaction(ledger.EnvelopeSchema, {}, { chain: centre.id, key, validUntil: 1n }), TypeError);
});

test("no outcome in time is said, and the wait can be given up", async () => {
  const { address, certificate } = devnet.node("centre-2");
  const proxy = await Proxy.to(address);
  const client = await Client.connect({ address: proxy.address, certificate });
  const chain = await client.chain("private-a");
  const key = await devnet.key("centre-1");
  const transaction = signTransaction(tiers.SubjectRegisteredSchema, person("five"), { chain: chain.id, key, validUntil: 900n });
  proxy.close();
  await assert.rejects(chain.submitAndWait(transaction, { timeoutMs: 800 }), code("UNAVAILABLE"));
  const signal = AbortSignal.timeout(100);
  await assert.rejects(chain.submitAndWait(transaction, { signal }), (error) => !(error instanceof TalentError));
  client.close();
  const error = new NoEffect("X", { id: "", status: "expired", height: 0n, index: 0, receipt: 0 });
  assert.match(error.message, /EXPIRED/);
});
