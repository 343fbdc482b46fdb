// The test vectors of others, tests/vectors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

import { verifyEd25519 } from "talentchain/verify";

import { fromHex, toHex, utf8 } from "../dist/verify/bytes.js";
import { merkleRoot } from "../dist/verify/trees.js";
import { BACKENDS } from "./backends.js";
import { REPOSITORY } from "./environment.js";

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(REPOSITORY, "tests/vectors", name), "utf8")) as T;
}
const hex = (text: string) => fromHex(text)!;

interface Sha {
  vectors: { text: string; times: number; digest: string }[];
}
interface Rfc8032 {
  vectors: { name: string; public_key: string; message: string; signature: string }[];
}
interface Wycheproof {
  testGroups: { publicKey: { pk: string }; tests: { tcId: number; msg: string; sig: string; result: string }[] }[];
}
interface Inclusion {
  inclusion: {
    name: string; leafIdx: number; treeSize: number; root: string; leafHash: string; proof: string[] | null; wantErr: boolean;
  }[];
}

for (const [name, crypto] of BACKENDS) {
  test(`SHA-256 by ${name}: FIPS 180-4`, async () => {
    for (const { text, times, digest } of vectors<Sha>("fips180-sha256.json").vectors) {
      assert.equal(toHex(await crypto.sha256(utf8(text.repeat(times)))), digest);
    }
  });

  test(`Ed25519 by ${name}: RFC 8032`, async () => {
    for (const vector of vectors<Rfc8032>("rfc8032-ed25519.json").vectors) {
      const { public_key: key, message, signature } = vector;
      assert.ok(await verifyEd25519(crypto, hex(key), hex(message), hex(signature)), vector.name);
      const changed = hex(signature);
      changed[0]! ^= 1;
      assert.ok(!(await verifyEd25519(crypto, hex(key), hex(message), changed)), vector.name);
    }
  });

  test(`Ed25519 by ${name}: Wycheproof`, async () => {
    let seen = 0;
    for (const { publicKey, tests } of vectors<Wycheproof>("wycheproof-ed25519.json").testGroups) {
      for (const { tcId, msg, sig, result } of tests) {
        const verdict = await verifyEd25519(crypto, hex(publicKey.pk), hex(msg), hex(sig));
        assert.equal(verdict, result === "valid", `case ${tcId}`);
        ++seen;
      }
    }
    assert.ok(seen > 100);
  });

  test(`Merkle paths by ${name}: RFC 6962`, async () => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
    for (const one of vectors<Inclusion>("rfc6962-proofs.json").inclusion) {
      const siblings = (one.proof ?? []).map(bytes);
      const root = await merkleRoot(crypto, bytes(one.leafHash), one.leafIdx, one.treeSize, siblings);
      const holds = one.leafHash !== "" && root !== undefined && toHex(root) === toHex(bytes(one.root));
      assert.equal(holds, !one.wantErr, one.name);
    }
  });
}
