// Signatures that implementations of Ed25519 differ in: the verdict is libsodium's, whatever the machine.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import * as ed25519 from "@noble/ed25519";
import sodium from "libsodium-wrappers-sumo";
import { verifyEd25519 } from "talentchain/verify";

import { concat, fromHex } from "../dist/verify/bytes.js";
import { BACKENDS } from "./backends.js";

const { Point, CURVE } = ed25519;
const sha512 = (...parts: Uint8Array[]) => new Uint8Array(createHash("sha512").update(concat(...parts)).digest());
const fromLittleEndian = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const littleEndian = (value: bigint) => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const scalar = (seed: string) => fromLittleEndian(sha512(new TextEncoder().encode(seed))) % CURVE.n;

/** Points of order 1, 2, 4 and 8, also as nobody should write them, with both signs. */
const SMALL = ["00", "01", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", `ec${"ff".repeat(30)}7f`, `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`].flatMap((hex) => {
  const point = fromHex(hex.padEnd(64, "0"))!;
  const negative = point.slice();
  negative[31]! |= 0x80;
  return [point, negative];
});
const EIGHTH = Point.fromBytes(SMALL[4]!);

interface Case {
  what: string;
  key: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
}

/** By its owner, so that what R is compared with is zero. */
function zeroSum(): Case {
  const a = scalar("owner");
  const [key, R, message] = [Point.BASE.multiply(a).toBytes(), Point.BASE.multiply(scalar("any")).toBytes(), new Uint8Array()];
  const h = fromLittleEndian(sha512(R, key, message)) % CURVE.n;
  return { what: "sum is zero", key, message, signature: concat(R, littleEndian((h * a) % CURVE.n)) };
}

/** By a key, and with an R, that have a part of small order: only some hold without the cofactor. */
function mixed(i: number, inKey: boolean, inR: boolean): Case {
  const [a, r] = [scalar(`a${i}`), scalar(`r${i}`)];
  const message = new TextEncoder().encode(`message ${i}`);
  const key = (inKey ? Point.BASE.multiply(a).add(EIGHTH) : Point.BASE.multiply(a)).toBytes();
  const R = (inR ? Point.BASE.multiply(r).add(EIGHTH) : Point.BASE.multiply(r)).toBytes();
  const h = fromLittleEndian(sha512(R, key, message)) % CURVE.n;
  return { what: `mixed ${i}`, key, message, signature: concat(R, littleEndian((r + h * a) % CURVE.n)) };
}

function cases(): Case[] {
  const good = mixed(0, false, false);
  const [R, S] = [good.signature.subarray(0, 32), good.signature.subarray(32)];
  const message = new Uint8Array();
  const zero = new Uint8Array(32);
  return [
    good,
    zeroSum(),
    { ...good, what: "S + L", signature: concat(R, littleEndian(fromLittleEndian(S) + CURVE.n)) },
    { ...good, what: "S + 8 L", signature: concat(R, littleEndian(fromLittleEndian(S) + 8n * CURVE.n)) },
    ...SMALL.map((key, i) => ({ what: `small key ${i}`, key, message, signature: concat(SMALL[2]!, zero) })),
    ...SMALL.map((small, i) => ({ ...good, what: `small R ${i}`, signature: concat(small, S) })),
    ...SMALL.flatMap((key) => SMALL.map((small) => ({ what: "both small", key, message, signature: concat(small, zero) }))),
    ...Array.from({ length: 24 }, (_, i) => mixed(i, true, false)),
    ...Array.from({ length: 4 }, (_, i) => mixed(i, false, true)),
    ...Array.from({ length: 4 }, (_, i) => mixed(i, true, true)),
    { ...good, what: "key above p", key: fromHex(`f0${"ff".repeat(30)}7f`)! },
    { ...good, what: "key no point", key: fromHex("02".padEnd(64, "0"))! },
    { ...good, what: "R no point", signature: concat(fromHex("02".padEnd(64, "0"))!, S) },
    { ...good, what: "cut", signature: good.signature.subarray(1) },
    { ...good, what: "key cut", key: good.key.subarray(1) },
  ];
}

for (const [name, crypto] of BACKENDS) {
  test(`signatures that implementations differ in, by ${name}`, async () => {
    await sodium.ready;
    let held = 0;
    let differs = 0;
    for (const { what, key, message, signature } of cases()) {
      const sizes = key.length === 32 && signature.length === 64;
      const theirs = sizes && sodium.crypto_sign_verify_detached(signature, message, key);
      assert.equal(await verifyEd25519(crypto, key, message, signature), theirs, what);
      if (theirs) ++held;
      if (sizes && (await crypto.verify(key, message, signature)) !== theirs) ++differs;
    }
    assert.ok(held >= 3, `${held} hold: some of the mixed ones do`);
    assert.ok(differs > 0, "the checks before are needed");
  });
}
