// SHA-256 and Ed25519 in JavaScript, for machines whose WebCrypto lacks them.
import * as ed25519 from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";

import { concat, equal } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";

function scalar(littleEndian: Uint8Array): bigint {
  const value = littleEndian.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return value % ed25519.CURVE.n;
}

/** The equation itself, since the library's own verify() multiplies by the cofactor. Nothing here is secret. */
function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const challenge = scalar(sha512(concat(r, key, message)));
  const s = scalar(signature.subarray(32));
  try {
    const point = ed25519.Point.fromBytes(key);
    const expected = ed25519.Point.BASE.multiply(s, false).add(point.negate().multiply(challenge, false));
    return equal(expected.toBytes(), r);
  } catch {
    return false; // the key is no point of the curve; or the sum is zero, which the library does not write and no R is
  }
}

export const softCrypto: CryptoBackend = {
  sha256: async (data) => sha256(data),
  verify: async (key, message, signature) => verify(key, message, signature),
};
