// Key files: an Ed25519 seed encrypted under a passphrase, as `talentd keys` writes them (src/crypto/key_file.h).
import { randomBytes } from "node:crypto";
import { open, link, readFile, rm, stat } from "node:fs/promises";

import sodium from "libsodium-wrappers-sumo";

import { TalentError } from "./errors.js";
import { KeyPair } from "./keys.js";
import { equal, fromHex, toHex, utf8 } from "./verify/bytes.js";

const FORMAT = 1;
const KDF = "argon2id";
const CIPHER = "xchacha20poly1305";
const SALT_SIZE = 16;
const NONCE_SIZE = 24;
const KEY_SIZE = 32;
const BOX_SIZE = 48;
const MAX_FILE_BYTES = 4096; // a key file has about 600

/** Argon2id (RFC 9106), as libsodium names its limits. "sensitive" takes 1 GiB and, in JavaScript, many seconds. */
const COSTS = {
  interactive: { ops: 2, memory_bytes: 64 << 20 },
  moderate: { ops: 3, memory_bytes: 256 << 20 },
  sensitive: { ops: 4, memory_bytes: 1 << 30 },
};
const LEAST_MEMORY = 8192;

export interface KeyFileInfo {
  purpose: string;
  publicKey: Uint8Array;
}

/** All before the box, in the order of the file. */
interface Header {
  format: number;
  purpose: string;
  public_key: string;
  kdf: { name: string; ops: number; memory_bytes: number; salt: string };
  cipher: string;
  nonce: string;
}
interface Parsed {
  header: Header;
  box: Uint8Array;
}

const render = ({ header, box }: Parsed) => `${JSON.stringify({ ...header, box: toHex(box) }, null, 2)}\n`;

function refuse(path: string, what: string): never {
  throw new TalentError("INVALID_ARGUMENT", `key file ${path}: ${what}`);
}

const hasBytes = (text: unknown, size: number) => typeof text === "string" && fromHex(text)?.length === size;
const isPurpose = (text: unknown) => typeof text === "string" && /^[ -~]{1,100}$/.test(text);

/** The limits keep a hostile file from taking memory and hours. */
function isKdf(kdf: Partial<Header["kdf"]> | null | undefined): boolean {
  const within = (value: unknown, least: number, most: number) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return kdf?.name === KDF && within(kdf.ops, 1, COSTS.sensitive.ops) && hasBytes(kdf.salt, SALT_SIZE) &&
    within(kdf.memory_bytes, LEAST_MEMORY, COSTS.sensitive.memory_bytes);
}

function parse(path: string, text: string): Parsed {
  let file: Partial<Header & { box: string }> | null;
  try {
    file = JSON.parse(text) as typeof file;
  } catch {
    refuse(path, "no JSON");
  }
  if (file?.format !== FORMAT) {
    throw new TalentError("FORMAT_VERSION", `key file ${path}: format ${file?.format}; this package reads ${FORMAT}`);
  }
  const { purpose, public_key, kdf, cipher, nonce, box } = file;
  if (cipher !== CIPHER) refuse(path, `cipher: only '${CIPHER}' is known`);
  if (!isPurpose(purpose)) refuse(path, "purpose");
  if (!hasBytes(public_key, KEY_SIZE)) refuse(path, "public_key");
  if (!isKdf(kdf)) refuse(path, `kdf: only '${KDF}' is known, at a cost of at most 4 passes over 1 GiB`);
  if (!hasBytes(nonce, NONCE_SIZE)) refuse(path, "nonce");
  if (!hasBytes(box, BOX_SIZE)) refuse(path, "box");
  const { name, ops, memory_bytes, salt } = kdf as Header["kdf"];
  const header = { format: FORMAT, purpose, public_key, kdf: { name, ops, memory_bytes, salt }, cipher, nonce } as Header;
  const parsed = { header, box: fromHex(box as string)! };
  if (render(parsed) !== text) refuse(path, "not laid out as talentd writes key files");
  return parsed;
}

async function load(path: string): Promise<Parsed> {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) refuse(path, `over ${MAX_FILE_BYTES} bytes`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof TalentError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new TalentError(code === "ENOENT" ? "NOT_FOUND" : "IO", `key file ${path}: ${message}`, { cause });
  }
  return parse(path, text);
}

/** Blocks the program while it computes. */
function boxKey(path: string, { kdf }: Header, passphrase: string): Uint8Array {
  try {
    return sodium.crypto_pwhash(KEY_SIZE, passphrase, fromHex(kdf.salt)!, kdf.ops, kdf.memory_bytes,
      sodium.crypto_pwhash_ALG_ARGON2ID13);
  } catch (cause) {
    const what = `cannot get the ${kdf.memory_bytes} bytes of memory that its kdf needs`;
    throw new TalentError("EXHAUSTED", `key file ${path}: ${what}`, { cause });
  }
}

/** What can be known without the passphrase; not authenticated. */
export async function inspectKeyFile(path: string): Promise<KeyFileInfo> {
  const { header } = await load(path);
  return { purpose: header.purpose, publicKey: fromHex(header.public_key)! };
}

/**
 * Throws TalentError: NOT_FOUND, IO, INVALID_ARGUMENT (no key file), FORMAT_VERSION, PRECONDITION (others may read or
 * change the file), UNAUTHORIZED (wrong passphrase or damaged file), EXHAUSTED (no memory for its cost).
 */
export async function readKeyFile(path: string, passphrase: string): Promise<KeyPair> {
  await sodium.ready;
  const { header, box } = await load(path);
  if (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0) {
    throw new TalentError("PRECONDITION", `key file ${path} is open to others than its owner; set its mode to 0600`);
  }
  const secret = boxKey(path, header, passphrase);
  let seed: Uint8Array;
  try {
    seed = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, box, JSON.stringify(header), fromHex(header.nonce)!, secret);
  } catch {
    throw new TalentError("UNAUTHORIZED", `key file ${path}: wrong passphrase, or the file is damaged`);
  } finally {
    sodium.memzero(secret);
  }
  const key = KeyPair.fromSeed(seed);
  sodium.memzero(seed);
  if (equal(key.publicKey, fromHex(header.public_key)!)) return key;
  throw new TalentError("UNAUTHORIZED", `key file ${path}: its public key is not that of its secret`);
}

export interface KeyFileOptions {
  /** What the key is for, in clear: "party:acme". 1 to 100 printable ASCII characters. */
  purpose: string;
  passphrase: string;
  /** Default: moderate. */
  cost?: keyof typeof COSTS;
}

/** Writes `key` to `path` with mode 0600; never overwrites. Throws TalentError: INVALID_ARGUMENT, PRECONDITION, EXHAUSTED, IO. */
export async function writeKeyFile(path: string, key: KeyPair, options: KeyFileOptions): Promise<void> {
  await sodium.ready;
  if (!isPurpose(options.purpose)) {
    throw new TalentError("INVALID_ARGUMENT", "a key's purpose is 1 to 100 printable ASCII characters");
  }
  const { ops, memory_bytes } = COSTS[options.cost ?? "moderate"];
  const header: Header = {
    format: FORMAT,
    purpose: options.purpose,
    public_key: key.id,
    kdf: { name: KDF, ops, memory_bytes, salt: randomBytes(SALT_SIZE).toString("hex") },
    cipher: CIPHER,
    nonce: randomBytes(NONCE_SIZE).toString("hex"),
  };
  const secret = boxKey(path, header, options.passphrase);
  const box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(key.seed(), JSON.stringify(header), null, fromHex(header.nonce)!, secret);
  sodium.memzero(secret);
  await writeNew(path, utf8(render({ header, box })));
}

/** All of the file or nothing, and on disk when it returns. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new TalentError(code === "EEXIST" ? "PRECONDITION" : "IO", `key file ${path}: ${message}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}
