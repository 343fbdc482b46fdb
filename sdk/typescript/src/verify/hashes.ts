// Domain tags (docs/protocol.md, "Domain tags").
import { concat, utf8 } from "./bytes.js";
import { type CryptoBackend, verifyEd25519 } from "./crypto.js";

const TAG_SIZE = 32;

function tagBytes(tag: string): Uint8Array {
  const out = new Uint8Array(TAG_SIZE);
  out.set(utf8(tag));
  return out;
}

export function taggedHash(crypto: CryptoBackend, tag: string, ...parts: Uint8Array[]): Promise<Uint8Array> {
  return crypto.sha256(concat(tagBytes(tag), ...parts));
}

/** What is signed under a tag on a chain. */
export function signingInput(tag: string, chain: Uint8Array, body: Uint8Array): Uint8Array {
  return concat(tagBytes(tag), chain, body);
}

export function verifyTagged(
  crypto: CryptoBackend,
  key: Uint8Array,
  tag: string,
  chain: Uint8Array,
  body: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return verifyEd25519(crypto, key, signingInput(tag, chain, body), signature);
}
