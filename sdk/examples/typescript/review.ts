// Two members review a record: both commit, and reveal when the commits are closed (12 seconds on the devnet).
//   npx tsx review.ts RECORD
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

import { Review, idBytes, tiers } from "talentchain";

import { recordArgument, session } from "./devnet.js";

const record = recordArgument();
await Promise.all(["acme", "globex"].map(async (party) => {
  const consortium = await session("centre-2", "consortium", party);
  while (!(await consortium.get(tiers.ConsortiumRecordSchema, "rec/", idBytes(record)))) await pause(200);

  const review = await Review.of(consortium, record, [
    { field: "scores.analysis", confirm: true },
    // { field: "scores.communication", dispute: { proposed: "5200", evidence: "interview protocol" } },
  ]);
  // Who loses the opening cannot reveal: keep it first.
  await writeFile(`${party}-${record.slice(0, 8)}.review`, review.bytes, { mode: 0o600 });
  await review.commit(consortium);
  console.log(`${party} has committed`);
  const { height } = await review.reveal(consortium);
  console.log(`${party} has revealed, in block ${height}`);
}));
process.exit();
