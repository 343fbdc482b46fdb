// Builds and tests this package in a directory of its own, so that nothing is written beside the sources:
//   node scripts/test.mjs --talentd PROGRAM --make-proofs PROGRAM [--work DIR]
// npm ci runs again only where the lock file or Node has changed since the last time.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const source = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: { talentd: { type: "string" }, "make-proofs": { type: "string" }, work: { type: "string" } },
});
if (!values.talentd || !values["make-proofs"]) {
  console.error("usage: node scripts/test.mjs --talentd PROGRAM --make-proofs PROGRAM [--work DIR]");
  process.exit(2);
}
const work = path.resolve(values.work ?? path.join(source, "..", "..", "build", "sdk", "typescript"));
const env = {
  ...process.env,
  TALENT_REPOSITORY: path.dirname(path.dirname(source)),
  TALENT_TALENTD: path.resolve(values.talentd),
  TALENT_MAKE_PROOFS: path.resolve(values["make-proofs"]),
};
const run = (command, ...args) => {
  const started = performance.now();
  execFileSync(command, args, { cwd: work, env, stdio: ["ignore", "inherit", "inherit"] });
  console.log(`${path.basename(args[0] ?? command)}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
};

function copySources() {
  mkdirSync(work, { recursive: true });
  for (const name of ["src", "test", "dist-test"]) rmSync(path.join(work, name), { recursive: true, force: true });
  for (const name of ["src", "test", "scripts", "package.json", "package-lock.json", "tsconfig.json", "README.md"]) {
    cpSync(path.join(source, name), path.join(work, name), { recursive: true });
  }
}

/** The examples, and the programs in the README as readme-1.ts and on, as somebody has them who has installed the package. */
function copyExamples() {
  const examples = path.join(work, "examples");
  rmSync(examples, { recursive: true, force: true });
  const wanted = (file) => !file.endsWith("node_modules");
  cpSync(path.join(source, "..", "examples", "typescript"), examples, { recursive: true, filter: wanted });
  mkdirSync(path.join(examples, "node_modules"));
  symlinkSync(work, path.join(examples, "node_modules", "talentchain"));
  const programs = readFileSync(path.join(source, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms);
  [...programs].forEach(([, text], i) => writeFileSync(path.join(examples, `readme-${i + 1}.ts`), text));
}

function install() {
  const lock = readFileSync(path.join(work, "package-lock.json"));
  const stamp = createHash("sha256").update(lock).update(process.version).digest("hex");
  const file = path.join(work, "node_modules", ".stamp");
  if (existsSync(file) && readFileSync(file, "utf8") === stamp) return;
  run("npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
  writeFileSync(file, stamp);
}

copySources();
copyExamples();
install();
run(process.execPath, "scripts/build.mjs");
run(process.execPath, "node_modules/typescript/bin/tsc", "-p", "test");
run(process.execPath, "node_modules/typescript/bin/tsc", "-p", "examples", "--noEmit", "false", "--outDir", "examples/dist");
const tests = readdirSync(path.join(work, "dist-test")).filter((name) => name.endsWith(".test.js"));
// Two at a time: one of them waits for the windows of reviews.
run(process.execPath, "--test", "--test-concurrency=2", ...tests.map((name) => path.join("dist-test", name)));
