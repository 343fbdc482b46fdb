// Two members wait for a record to review, commit, and reveal when the commits are closed (12 seconds on the devnet).
//   npx tsx review.ts
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

import { type Chain, Review, tiers } from "talentchain";

import { session } from "./devnet.js";

/** The id of a record that can still be committed to. */
async function openRecord(consortium: Chain): Promise<string> {
  for (;;) {
    for await (const { key, value } of consortium.scan(tiers.ConsortiumRecordSchema, "rec/")) {
      const open = value.status === tiers.RecordStatus.IN_REVIEW && Date.now() < Number(value.commitsCloseMs);
      if (open && value.contentKind === "AbilityAssessed") return Buffer.from(key.subarray("rec/".length)).toString("hex");
    }
    await pause(200);
  }
}

const [acme, globex] = [await session("centre-2", "consortium", "acme"), await session("centre-3", "consortium", "globex")];
console.log("waiting for a record");
const record = await openRecord(acme);

async function review(consortium: Chain): Promise<void> {
  const review = await Review.of(consortium, record, [
    { field: "scores.analysis", confirm: true },
    // { field: "scores.communication", dispute: { proposed: "5200", evidence: "interview protocol" } },
  ]);
  const member = await consortium.party();
  // Who loses the opening cannot reveal: keep it first.
  await writeFile(`${member}-${record.slice(0, 8)}.review`, review.bytes, { mode: 0o600 });
  await review.commit(consortium);
  console.log(`${member} has committed`);
  const { height } = await review.reveal(consortium);
  console.log(`${member} has revealed, in block ${height}`);
}
await Promise.all([review(acme), review(globex)]);
process.exit();
