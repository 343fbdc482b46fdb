// Anyone: waits until a record is on the public chain, and checks it against the genesis file alone.
//   npx tsx verify.ts RECORD
import { setTimeout as pause } from "node:timers/promises";

import { idBytes, tiers } from "talentchain";

import { network, recordArgument } from "./devnet.js";

const record = recordArgument();
const client = await network.connect("viewer");
const chain = await client.chain("public");
while (!(await chain.get(tiers.PublishedRecordSchema, "pub/", idBytes(record)))) await pause(500);

const verdict = await chain.verify(record, await network.genesis("public"));
for (const { ok, checked, name, detail } of verdict.steps) {
  console.log((ok ? (checked ? "OK" : "--") : "FAILED").padEnd(7), name.padEnd(18), detail.en);
}
process.exit(verdict.ok ? 0 : 1);
