// What the first load takes, compressed: the page, and every file it names. Fails above the budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kBudget = 150_000;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist));
const named = [...page.toString().matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name);
let sum = gzipSync(page).length;
for (const name of named) {
  const size = gzipSync(readFileSync(new URL(name, dist))).length;
  console.log(`${name}: ${size} bytes compressed`);
  sum += size;
}
console.log(`first load: ${sum} bytes compressed, of ${kBudget}`);
if (sum > kBudget || named.length < 3) process.exit(1);
