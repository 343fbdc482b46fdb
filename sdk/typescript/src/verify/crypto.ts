// SHA-256 and Ed25519, and the rules about signatures that implementations differ in.
import { equal, fromHex } from "./bytes.js";

/**
 * What a verifier needs from a machine. `verify` is asked only for signatures of 64 bytes and keys of 32 that have
 * passed the checks below; it decides the equation without cofactor, R recomputed and compared as bytes.
 */
export interface CryptoBackend {
  sha256(data: Uint8Array): Promise<Uint8Array>;
  verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** L of RFC 8032: 2^252 + 27742317777372353535851937790883648493. */
const GROUP_ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;
/** p of RFC 8032. */
const FIELD_PRIME = 2n ** 255n - 19n;

/** The y of points of order 1, 2, 4 and 8, little-endian; 0 and 1 also as p and p + 1. The list of libsodium 1.0.18. */
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((hex) => fromHex(hex)!);

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** A point's y without the sign of its x. */
function withoutSign(point: Uint8Array): Uint8Array {
  const out = new Uint8Array(point);
  out[31]! &= 0x7f;
  return out;
}

function hasSmallOrder(point: Uint8Array): boolean {
  const y = withoutSign(point);
  return SMALL_ORDER.some((small) => equal(small, y));
}

/**
 * Ed25519 as docs/protocol.md wants it. WebCrypto's specification asks for most of the checks made here first, and no
 * two implementations make the same ones: OpenSSL takes keys of small order and keys that are not canonical.
 */
export async function verifyEd25519(
  crypto: CryptoBackend,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (littleEndian(signature.subarray(32)) >= GROUP_ORDER) return false;
  if (littleEndian(withoutSign(key)) >= FIELD_PRIME) return false;
  if (hasSmallOrder(key) || hasSmallOrder(signature.subarray(0, 32))) return false;
  return crypto.verify(key, message, signature);
}

/** The browser's own. Bytes are copied: it takes none of shared memory. */
export function webCrypto(subtle: SubtleCrypto): CryptoBackend {
  return {
    sha256: async (data) => new Uint8Array(await subtle.digest("SHA-256", new Uint8Array(data))),
    verify: async (key, message, signature) => {
      try {
        const imported = await subtle.importKey("raw", new Uint8Array(key), "Ed25519", false, ["verify"]);
        return await subtle.verify("Ed25519", imported, new Uint8Array(signature), new Uint8Array(message));
      } catch (error) {
        // A key that is no point. Whether it is refused here or at verify() differs.
        if (error instanceof Error && (error.name === "DataError" || error.name === "OperationError")) return false;
        throw error;
      }
    },
  };
}

/** A key everybody takes: RFC 8032, 7.1, test 1. */
const SOME_KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")!;

async function choose(): Promise<CryptoBackend> {
  // Missing in Node 18, and in a page that came over plain HTTP.
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  try {
    if (subtle !== undefined) {
      await subtle.importKey("raw", new Uint8Array(SOME_KEY), "Ed25519", false, ["verify"]);
      return webCrypto(subtle);
    }
  } catch {
    // A browser without Ed25519 (Chromium before 137, Firefox before 129, Safari before 17).
  }
  return (await import("./soft_crypto.js")).softCrypto;
}

let chosen: Promise<CryptoBackend> | undefined;

/** WebCrypto where it has Ed25519, else JavaScript, which is loaded only then. */
export function defaultCrypto(): Promise<CryptoBackend> {
  chosen ??= choose();
  return chosen;
}
