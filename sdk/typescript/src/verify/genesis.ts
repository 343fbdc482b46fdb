// The genesis file, of which a verifier needs the first validators; the chain id covers the rest.
import { fromHex, fromUtf8 } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import { taggedHash } from "./hashes.js";
import { type ValidatorSet, makeValidatorSet } from "./validators.js";
import { type Tier, ensure } from "./verdict.js";

export interface Genesis {
  chainId: Uint8Array;
  name: string;
  tier: Tier;
  validators: ValidatorSet;
}

const STEP = "genesis";
const MAX_BYTES = 1 << 20;
const FIELDS = ["app", "consensus", "followers", "format", "name", "suite", "tier", "time_ms", "validators"];
const NAME = /^[a-z0-9-]{1,64}$/;

/** Whether an object of `text`, which is JSON, has a name twice: what JSON.parse() does not say. */
function hasNameTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
      if (open.at(-1)?.has(name)) return true;
      open.at(-1)?.add(name);
    }
  }
  return false;
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = fromUtf8(bytes);
    value = JSON.parse(text);
  } catch {
    ensure(false, STEP, "no JSON", "不是 JSON");
  }
  ensure(!hasNameTwice(text), STEP, "a name stands twice in an object", "对象中有重复的名称");
  ensure(typeof value === "object" && value !== null && !Array.isArray(value), STEP, "no object", "不是对象");
  return value as Record<string, unknown>;
}

function key(value: unknown, what: string): Uint8Array {
  const bytes = typeof value === "string" ? fromHex(value) : undefined;
  ensure(bytes?.length === 32 && bytes.some((byte) => byte !== 0), STEP, `${what} is no key`, `${what} 不是密钥`);
  return bytes;
}

/** Throws Refused. */
export async function readGenesis(crypto: CryptoBackend, bytes: Uint8Array): Promise<Genesis> {
  ensure(bytes.length <= MAX_BYTES, STEP, "over 1 MiB", "超过 1 MiB");
  const { name, tier, ...fields } = parse(bytes);
  const names = ["name", "tier", ...Object.keys(fields)].sort();
  ensure(names.join() === FIELDS.join(), STEP, `its fields are to be ${FIELDS.join(", ")}`, "字段不符");
  ensure(fields["format"] === 1 && fields["suite"] === "ed25519-sha256", STEP, "unknown format or suite", "格式或算法未知");
  ensure(typeof name === "string" && NAME.test(name), STEP, "name", "名称不符");
  ensure(tier === "private" || tier === "consortium" || tier === "public", STEP, "tier", "层级不符");
  const listed = fields["validators"];
  ensure(Array.isArray(listed), STEP, "validators", "缺少验证节点");
  const validators = listed.map((entry: Record<string, unknown> | null, i) => {
    const validator = entry?.["name"];
    ensure(typeof validator === "string" && NAME.test(validator), STEP, `validators[${i}].name`, `验证节点 ${i} 的名称不符`);
    return {
      name: validator,
      voteKey: key(entry?.["vote_key"], `validators[${i}].vote_key`),
      nodeKey: key(entry?.["node_key"], `validators[${i}].node_key`),
    };
  });
  return {
    chainId: await taggedHash(crypto, "talent/genesis/v1", bytes),
    name,
    tier,
    validators: await makeValidatorSet(crypto, 0n, validators, STEP),
  };
}
