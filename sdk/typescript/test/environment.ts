// Where things are; scripts/test.mjs says so.
import path from "node:path";

function need(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`set ${name}: see scripts/test.mjs`);
  return path.resolve(value);
}

/** The repository. */
export const REPOSITORY = need("TALENT_REPOSITORY");
/** The program talent_make_proofs. */
export const MAKE_PROOFS = need("TALENT_MAKE_PROOFS");
/** The program talentd. */
export const TALENTD = need("TALENT_TALENTD");
/** The examples and the README's programs, compiled. */
export const EXAMPLES = path.resolve("examples/dist");
