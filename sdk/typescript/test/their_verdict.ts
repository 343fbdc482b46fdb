// What `talentd verify` says of a proof.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { TALENTD } from "./environment.js";

export interface TheirVerdict {
  ok: boolean;
  /** Names of the steps that hold, in order. */
  steps: string[];
  failed: string | undefined;
}

export async function theirVerdict(genesis: Uint8Array, proof: Uint8Array): Promise<TheirVerdict> {
  const folder = mkdtempSync(path.join(tmpdir(), "talent-verify-"));
  const [genesisFile, proofFile] = [path.join(folder, "genesis"), path.join(folder, "proof")];
  writeFileSync(genesisFile, genesis);
  writeFileSync(proofFile, proof);
  const args = ["verify", "--language", "en", "--proof", proofFile, "--genesis", genesisFile];
  const [code, output] = await new Promise<[unknown, string]>((resolve) =>
    execFile(TALENTD, args, (error, stdout) => resolve([error ? error.code ?? error.signal : 0, stdout])));
  rmSync(folder, { recursive: true });
  if (code !== 0 && code !== 1) throw new Error(`talentd verify ended with ${String(code)}`);
  const lines = [...output.matchAll(/^(OK|--|FAILED) +(.*?) {2,}|^(FAILED) +(.*?): /gm)];
  const named = lines.map(([, what, step, failed, failedStep]) => [what ?? failed, step ?? failedStep] as const);
  const failed = named.find(([what]) => what === "FAILED")?.[1];
  return { ok: code === 0, steps: named.flatMap(([what, step]) => (what === "FAILED" ? [] : [step!])), failed };
}
