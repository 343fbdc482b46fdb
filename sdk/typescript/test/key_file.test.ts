// Key files: written here and read by talentd, and the other way round.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { after } from "node:test";
import { inspect } from "node:util";

import { KeyPair, TalentError, inspectKeyFile, readKeyFile, writeKeyFile } from "talentchain";

import { talentd } from "./devnet.js";

const folder = mkdtempSync(path.join(tmpdir(), "talent-keys-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => path.join(folder, name);
const fails = (code: string) => (error: unknown) => error instanceof TalentError && error.code === code;
const passphraseFile = file("passphrase");
writeFileSync(passphraseFile, "correct horse\n");

test("a key of talentd is read, with the right passphrase only", async () => {
  await talentd("keys", "new", file("theirs"), "--purpose", "party:acme", "--passphrase-file", passphraseFile, "--kdf", "interactive");
  const { purpose, publicKey } = await inspectKeyFile(file("theirs"));
  assert.equal(purpose, "party:acme");
  assert.deepEqual((await readKeyFile(file("theirs"), "correct horse")).publicKey, publicKey);
  await assert.rejects(readKeyFile(file("theirs"), "wrong"), fails("UNAUTHORIZED"));
});

test("a key written here is read by talentd, and never overwritten", async () => {
  const key = KeyPair.generate();
  const options = { purpose: "party:\"globex\"\\", passphrase: "correct horse", cost: "interactive" as const };
  await writeKeyFile(file("ours"), key, options);
  assert.equal(statSync(file("ours")).mode & 0o777, 0o600);
  const shown = await talentd("keys", "show", file("ours"), "--check", "--passphrase-file", passphraseFile);
  assert.ok(shown.includes(key.id), shown);
  assert.deepEqual((await readKeyFile(file("ours"), "correct horse")).seed(), key.seed());
  await assert.rejects(writeKeyFile(file("ours"), key, options), fails("PRECONDITION"));
  await assert.rejects(writeKeyFile(file("no/such"), key, options), fails("IO"));
  await assert.rejects(writeKeyFile(file("x"), key, { ...options, purpose: "中" }), fails("INVALID_ARGUMENT"));
});

test("a key file that is missing, open to others, damaged or hostile", async () => {
  const good = readFileSync(file("ours"), "utf8");
  const write = (text: string) => writeFileSync(file("bad"), text, { mode: 0o600 });
  await assert.rejects(readKeyFile(file("none"), ""), fails("NOT_FOUND"));
  write(good);
  chmodSync(file("bad"), 0o640);
  await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("PRECONDITION"));
  chmodSync(file("bad"), 0o600);
  write(good.replace(/("box": ")(.)/, (_, before: string, digit: string) => before + (digit === "0" ? "1" : "0")));
  await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("UNAUTHORIZED"));
  write(good.replace("globex", "globey"));
  await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("UNAUTHORIZED"));
  for (const [from, to] of [["{", ""], ["  ", " "], ["67108864", "4294967296"], ["67108864", "1"], ["argon2id", "none"],
    ["xchacha20", "aes"], ['"ops": 2', '"ops": 1000'], ['"nonce": "', '"nonce": "ff'], ['"purpose"', '"more": 1,\n  "purpose"'],
    ["}\n", "}"]] as const) {
    assert.ok(good.includes(from));
    write(good.replace(from, to));
    await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("INVALID_ARGUMENT"), `${from} → ${to}`);
  }
  write(good.replace('"format": 1', '"format": 2'));
  await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("FORMAT_VERSION"));
  write(" ".repeat(5000));
  await assert.rejects(readKeyFile(file("bad"), "correct horse"), fails("INVALID_ARGUMENT"));
});

test("a key pair does not show its secret", () => {
  const key = KeyPair.fromSeed(new Uint8Array(32).fill(0xab));
  assert.doesNotMatch(inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key), /171|abab/);
  assert.throws(() => KeyPair.fromSeed(new Uint8Array(31)), RangeError);
});
