// What no honest chain seals: both verifiers refuse it at the same step.
import assert from "node:assert/strict";
import test from "node:test";

import { encode, ledger, stateKey, tiers, verifyProof } from "talentchain";

import { Forge } from "./forge.js";
import { theirVerdict } from "./their_verdict.js";

const PUT = { kind: "Put", data: Uint8Array.of(1) };

async function bothSay(forge: Forge, proof: Uint8Array, failed: string | undefined): Promise<void> {
  const theirs = await theirVerdict(forge.genesis, proof);
  assert.equal(theirs.failed, failed);
  const ours = await verifyProof(forge.genesis, proof);
  assert.equal(ours.failed, failed);
  assert.equal(ours.ok, theirs.ok);
}

test("keys that have left seal nothing new, and an epoch ends after it began", async () => {
  const forge = await Forge.make(3);
  const changes = [forge.change(0, 5n), forge.change(1, 9n)];
  await bothSay(forge, forge.proof({ ...PUT, changes, epoch: 1, height: 7n }), undefined);
  await bothSay(forge, forge.proof({ ...PUT, changes, epoch: 0, height: 5n }), undefined);
  await bothSay(forge, forge.proof({ ...PUT, changes, epoch: 0, height: 6n }), "header");
  await bothSay(forge, forge.proof({ ...PUT, changes, epoch: 1, height: 5n }), "header");
  await bothSay(forge, forge.proof({ ...PUT, changes, epoch: 2, height: 9n }), "header");
  await bothSay(forge, forge.proof({ ...PUT, changes: changes.slice(0, 1), epoch: 2, height: 10n }), "certificate");
  await bothSay(forge, forge.proof({ ...PUT, changes: [changes[0]!, forge.change(1, 5n)], height: 1n }), "epoch 2");
  await bothSay(forge, forge.proof({ ...PUT, changes: [changes[1]!], height: 1n }), "epoch 1");
});

test("what was sealed without effect does not hold", async () => {
  const forge = await Forge.make();
  const proof = forge.proof({ ...PUT, code: ledger.ReceiptCode.INVALID });
  assert.equal((await theirVerdict(forge.genesis, proof)).ok, false);
  assert.equal((await verifyProof(forge.genesis, proof)).failed, "effect");
});

test("an accepted header that is none is as if it were not there", async () => {
  const forge = await Forge.make();
  const key = stateKey("header/", new Uint8Array(32), 0n);
  const data = encode(tiers.RecordPromotedSchema, { sourceChain: new Uint8Array(32), record: forge.sign("Put", PUT.data) });
  for (const value of [Uint8Array.of(255), Uint8Array.of(10, 1, 255)]) {
    await bothSay(forge, forge.proof({ kind: "RecordPromoted", data, state: [{ key, value }] }), undefined);
  }
});

test("a payload that is none of its kind", async () => {
  const forge = await Forge.make();
  for (const kind of ["RecordPublished", "CorrectionPublished", "RecordPromoted"]) {
    await bothSay(forge, forge.proof({ kind, data: Uint8Array.of(255) }), "payload");
    await bothSay(forge, forge.proof({ kind, data: new Uint8Array() }), kind === "CorrectionPublished" ? "original" : "record");
  }
});
