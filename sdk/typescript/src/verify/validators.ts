// The validators of an epoch.
import { bigEndian, concat, toHex, utf8 } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import { taggedHash } from "./hashes.js";
import { ensure } from "./verdict.js";

export interface Validator {
  name: string;
  voteKey: Uint8Array;
  nodeKey: Uint8Array;
}

export interface ValidatorSet {
  epoch: bigint;
  validators: Validator[];
  quorum: number;
  hash: Uint8Array;
}

const MAX_VALIDATORS = 100;

/** Throws Refused at `step`: none or over 100, a key of another size, a name empty, a name or key twice. */
export async function makeValidatorSet(
  crypto: CryptoBackend,
  epoch: bigint,
  validators: Validator[],
  step: string,
): Promise<ValidatorSet> {
  const n = validators.length;
  ensure(n >= 1 && n <= MAX_VALIDATORS, step, `${n} validators; a chain has 1 to 100`, `${n} 个验证节点，应为 1 至 100 个`);
  const keys = validators.flatMap((v) => [v.voteKey, v.nodeKey]);
  ensure(keys.every((key) => key.length === 32), step, "a validator's key has another size", "验证节点密钥长度不符");
  ensure(new Set(keys.map(toHex)).size === keys.length, step, "a key is used twice", "密钥重复");
  const names = new Set(validators.map((v) => v.name));
  ensure(names.size === n && !names.has(""), step, "a validator's name is empty or used twice", "验证节点名称为空或重复");
  const members = validators.flatMap((v) => {
    const name = utf8(v.name);
    return [bigEndian(BigInt(name.length), 4), name, v.voteKey, v.nodeKey];
  });
  return {
    epoch,
    validators,
    quorum: Math.floor((n + Math.floor((n - 1) / 3)) / 2) + 1,
    hash: await taggedHash(crypto, "talent/validators/v1", concat(bigEndian(epoch, 8), ...members)),
  };
}
