// Certified headers, from the genesis through every change of validators.
import { equal, toHex } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import type { Genesis } from "./genesis.js";
import { taggedHash, verifyTagged } from "./hashes.js";
import * as m from "./messages.js";
import { type ValidatorSet, makeValidatorSet } from "./validators.js";
import { type Block, Refused, ensure, within } from "./verdict.js";
import { type Decoded, type Fields, type Message, WireError, decode, orEmpty } from "./wire.js";

const MAX_EPOCH_CHANGES = 10_000; // a proof with more would be larger than any message

export interface TrustedHeader {
  header: m.BlockHeader;
  block: Block;
}

/** decode() whose failure is the step's. */
export function read<F extends Fields>(type: Message<F>, bytes: Uint8Array, step: string): Decoded<F> {
  try {
    return decode(type, bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new Refused(step, { en: `not canonically encoded: ${error.message}`, zh: `编码不规范：${error.message}` });
  }
}

async function checkCertificate(
  crypto: CryptoBackend,
  chain: Uint8Array,
  set: ValidatorSet,
  hash: Uint8Array,
  certificate: m.CertifiedHeader["certificate"],
): Promise<number> {
  const step = "certificate";
  const { epoch, seals } = orEmpty(m.Certificate, certificate);
  const ascend = seals.every((seal, i) => i === 0 || seals[i - 1]!.validator < seal.validator);
  ensure(ascend, step, "seals do not ascend by validator", "封印未按验证节点排序");
  ensure(seals.every((seal) => seal.signature.length === 64), step, "a seal has another size", "封印长度不符");
  ensure(epoch === set.epoch, step, `of epoch ${epoch}, not ${set.epoch}`, `属于第 ${epoch} 任期，而非第 ${set.epoch} 任期`);
  ensure(seals.length >= set.quorum, step, `${seals.length} seals where ${set.quorum} decide`,
    `只有 ${seals.length} 个封印，需要 ${set.quorum} 个`);
  for (const { validator, signature } of seals) {
    const who = set.validators[validator];
    ensure(who !== undefined, step, `there is no validator ${validator}`, `没有第 ${validator} 个验证节点`);
    ensure(await verifyTagged(crypto, who.voteKey, "talent/sign/seal/v1", chain, hash, signature), step,
      `the seal of validator ${validator} (${who.name}) does not verify`, `验证节点 ${validator}（${who.name}）的封印无效`);
  }
  return seals.length;
}

/** Against the set of its epoch. */
async function checkHeader(
  crypto: CryptoBackend,
  chain: Uint8Array,
  set: ValidatorSet,
  given: m.CertifiedHeader | undefined,
): Promise<TrustedHeader> {
  const step = "header";
  const certified = orEmpty(m.CertifiedHeader, given);
  const header = read(m.BlockHeader, certified.header, step);
  ensure(header.format === 1 && header.suite === 1, step, "unknown format or suite", "格式或算法未知");
  ensure(equal(header.chainId, chain), step, "of another chain", "属于另一条链");
  ensure(header.height !== 0n, step, "height 0", "高度为 0");
  ensure(header.epoch === set.epoch, step, `epoch ${header.epoch} where ${set.epoch} is in force`,
    `任期 ${header.epoch}，而当前为 ${set.epoch}`);
  ensure(equal(header.validatorsHash, set.hash), step, "of another validator set", "属于另一组验证节点");
  const hash = await taggedHash(crypto, "talent/header/v1", certified.header);
  const seals = await checkCertificate(crypto, chain, set, hash, certified.certificate);
  const { height, timeMs, epoch } = header;
  return { header, block: { height, hash: toHex(hash), timeMs, epoch, seals, validators: set.validators.length } };
}

/** An epoch's validators and the heights they seal; no last height while it is the newest known. */
interface Epoch {
  set: ValidatorSet;
  first: bigint;
  last?: bigint;
}

/** The validators of every epoch that a proof leads to. */
export class Epochs {
  private constructor(
    private readonly crypto: CryptoBackend,
    private readonly chain: Uint8Array,
    private readonly epochs: Epoch[],
  ) {}

  /** From the genesis on. Throws Refused at "epochs" or "epoch N". */
  static async walk(crypto: CryptoBackend, genesis: Genesis, changes: m.EpochChange[]): Promise<Epochs> {
    ensure(changes.length <= MAX_EPOCH_CHANGES, "epochs", `${changes.length} changes`, `${changes.length} 次更替，过多`);
    const out = new Epochs(crypto, genesis.chainId, [{ set: genesis.validators, first: 1n }]);
    for (const [i, change] of changes.entries()) await within(`epoch ${i + 1}`, () => out.change(change, `epoch ${i + 1}`));
    return out;
  }

  get newest(): ValidatorSet {
    return this.epochs.at(-1)!.set;
  }

  private async change(change: m.EpochChange, step: string): Promise<void> {
    const current = this.epochs.at(-1)!;
    const { header } = await checkHeader(this.crypto, this.chain, current.set, change.header);
    ensure(!equal(header.nextValidatorsHash, header.validatorsHash), step,
      `height ${header.height} is not the last of its epoch`, `第 ${header.height} 块不是该任期的最后一块`);
    const next = await makeValidatorSet(this.crypto, current.set.epoch + 1n, change.nextValidators, step);
    ensure(equal(next.hash, header.nextValidatorsHash), step, "the validators are not those announced", "验证节点与公告不符");
    ensure(header.height >= current.first, step, `ends at height ${header.height}, before it began`,
      `在第 ${header.height} 块结束，早于开始`);
    current.last = header.height;
    this.epochs.push({ set: next, first: header.height + 1n });
  }

  /** A header of any of the epochs, within the heights its epoch had: keys that have left seal nothing new. */
  async check(certified: m.CertifiedHeader | undefined): Promise<TrustedHeader> {
    const number = certified?.certificate?.epoch ?? 0n;
    const epoch = this.epochs[Number(number)];
    ensure(epoch !== undefined, "certificate", `of epoch ${number}, to which the proof does not lead`,
      `属于第 ${number} 任期，证明未延伸至此`);
    const trusted = await checkHeader(this.crypto, this.chain, epoch.set, certified);
    const { height } = trusted.header;
    ensure(height >= epoch.first && (epoch.last === undefined || height <= epoch.last), "header",
      `height ${height} is outside epoch ${number}`, `第 ${height} 块不在第 ${number} 任期内`);
    return trusted;
  }
}
