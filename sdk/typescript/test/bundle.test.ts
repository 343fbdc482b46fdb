// The verifier as a browser gets it: without Node, small.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test from "node:test";
import vm from "node:vm";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

/** The entry point first; then what it loads only where WebCrypto lacks Ed25519. */
async function bundle(format: "esm" | "iife") {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "talentchain/verify"', resolveDir: "." },
    bundle: true, splitting: format === "esm", format, globalName: "verifier", minify: true, write: false,
    platform: "neutral", mainFields: ["module", "main"], outdir: "out", target: "es2022",
  });
  return outputFiles.map(({ contents, text, path }) => ({ size: gzipSync(contents).length, text, path }));
}

test("the bundle is small, and the fallback for old browsers apart from it", async () => {
  const [entry, ...later] = await bundle("esm");
  const sizes = later.reduce((sum, file) => sum + file.size, 0);
  console.log(`compressed: ${entry!.size} bytes, and ${sizes} where WebCrypto lacks Ed25519`);
  assert.match(entry!.path, /stdin/);
  assert.ok(entry!.size < 14_000, `${entry!.size} bytes`);
  assert.ok(sizes < 10_000, `${sizes} bytes`);
});

test("the bundle needs neither DOM nor Node", async () => {
  const [file] = await bundle("iife");
  const context = vm.createContext({ crypto: webcrypto, TextEncoder, TextDecoder });
  vm.runInContext(file!.text, context);
  const verdict = await vm.runInContext("verifier.verifyProof(new Uint8Array(), new Uint8Array())", context);
  assert.equal(verdict.failed, "genesis");
});
