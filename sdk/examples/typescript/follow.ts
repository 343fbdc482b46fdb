// Follows the consortium chain, as many blocks as the argument says, or until Ctrl-C.
//   npx tsx follow.ts [BLOCKS]
import { session } from "./devnet.js";

let left = Number(process.argv[2] ?? Infinity);
const consortium = await session("centre-3", "consortium", "acme");
for await (const { height, transactions } of consortium.follow()) {
  for (const { kind, id, message } of transactions) console.log(`${height} ${kind} ${id} ${message ? "" : "(not shown to us)"}`);
  if (--left <= 0) break;
}
process.exit();
