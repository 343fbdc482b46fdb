// SHA-256 and Ed25519 by node:crypto.
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";

import { concat, fromHex, utf8 } from "./verify/bytes.js";
import type { CryptoBackend } from "./verify/crypto.js";

// RFC 8410: what stands before the 32 bytes of a key.
const PUBLIC_PREFIX = fromHex("302a300506032b6570032100")!;
const PRIVATE_PREFIX = fromHex("302e020100300506032b657004220420")!;

function publicKeyObject(key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(concat(PUBLIC_PREFIX, key)), format: "der", type: "spki" });
}

export const nodeCrypto: CryptoBackend = {
  sha256: async (data) => sha256(data),
  verify: async (key, message, signature) => verify(null, message, publicKeyObject(key), signature),
};

export function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

export function taggedHash(tag: string, ...parts: Uint8Array[]): Uint8Array {
  return sha256(concat(utf8(tag.padEnd(32, "\0")), ...parts));
}

export function privateKeyObject(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(concat(PRIVATE_PREFIX, seed)), format: "der", type: "pkcs8" });
}

export function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(PUBLIC_PREFIX.length));
}

export function signRaw(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key));
}
