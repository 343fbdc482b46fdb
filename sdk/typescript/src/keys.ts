// Ed25519 key pairs.
import { randomBytes, type KeyObject } from "node:crypto";

import { privateKeyObject, publicKeyOf, signRaw } from "./node_crypto.js";
import { toHex } from "./verify/bytes.js";
import { signingInput } from "./verify/hashes.js";

const SEED_SIZE = 32;

/** What a signature is for (docs/protocol.md, "Domain tags"). */
export type SigningTag =
  | "talent/sign/tx/v1"
  | "talent/sign/cosign/v1"
  | "talent/sign/client-auth/v1"
  | "talent/sign/offer/v1"
  | "talent/sign/address/v1";

/** A key pair. Its secret is not shown by console.log() or JSON.stringify(). */
export class KeyPair {
  /** 32 bytes; also the key's id wherever a key is named. */
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #key: KeyObject;

  private constructor(seed: Uint8Array) {
    this.#seed = new Uint8Array(seed);
    this.#key = privateKeyObject(seed);
    this.publicKey = publicKeyOf(this.#key);
  }

  static generate(): KeyPair {
    return new KeyPair(new Uint8Array(randomBytes(SEED_SIZE)));
  }

  /** Of the secret 32 bytes it is made from. Throws RangeError where there are not 32. */
  static fromSeed(seed: Uint8Array): KeyPair {
    if (seed.length !== SEED_SIZE) throw new RangeError(`a seed has ${SEED_SIZE} bytes, not ${seed.length}`);
    return new KeyPair(seed);
  }

  /** The public key in hexadecimal. */
  get id(): string {
    return toHex(this.publicKey);
  }

  /** For writing a key file and for nothing else. */
  seed(): Uint8Array {
    return this.#seed.slice();
  }

  /** Sign(key, tag, chain, body) of docs/protocol.md. */
  sign(tag: SigningTag, chain: Uint8Array, body: Uint8Array): Uint8Array {
    return signRaw(this.#key, signingInput(tag, chain, body));
  }
}
