// Merkle trees over a block's transactions (RFC 6962), and the state tree.
import { concat, equal } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import { taggedHash } from "./hashes.js";
import type { BlockHeader, StateProof } from "./messages.js";
import { ensure } from "./verdict.js";

const MAX_PATH = 64; // siblings over up to 2^32 leaves, with room
const STATE_DEPTH = 256;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const STATE_LEAF = Uint8Array.of(2);
const STATE_NODE = Uint8Array.of(3);

function requireSiblings(step: string, siblings: Uint8Array[], max: number): void {
  ensure(siblings.length <= max, step, `${siblings.length} siblings; at most ${max} make sense`, "兄弟哈希过多");
  ensure(siblings.every((s) => s.length === 32), step, "a sibling is no hash", "兄弟哈希长度不符");
}

/** Where a leaf at `index` of `count` leads by `siblings`; undefined where the path is too long or too short. */
export async function merkleRoot(
  crypto: CryptoBackend,
  leafHash: Uint8Array,
  index: number,
  count: number,
  siblings: Uint8Array[],
): Promise<Uint8Array | undefined> {
  if (index >= count) return undefined;
  let hash = leafHash;
  let node = index;
  let last = count - 1;
  for (const sibling of siblings) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      hash = await crypto.sha256(concat(NODE, sibling, hash));
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await crypto.sha256(concat(NODE, hash, sibling));
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : undefined;
}

/** That `leaf` is under `root` at `index` of the block. */
export async function checkInclusion(
  crypto: CryptoBackend,
  step: string,
  leaf: Uint8Array,
  header: BlockHeader,
  index: number,
  siblings: Uint8Array[],
  root: Uint8Array,
): Promise<void> {
  requireSiblings(step, siblings, MAX_PATH);
  const count = header.transactionCount;
  ensure(index < count, step, `place ${index} of ${count}`, `位置 ${index} 超出该块的 ${count} 笔交易`);
  const found = await merkleRoot(crypto, await crypto.sha256(concat(LEAF, leaf)), index, count, siblings);
  ensure(found !== undefined, step, "the path has another length", "路径长度不符");
  ensure(equal(found, root), step, "the path leads to another root", "路径指向另一个根");
}

function bit(path: Uint8Array, i: number): number {
  return (path[i >> 3]! >> (7 - (i & 7))) & 1;
}

/** Hash of the subtree where the walk to the proof's key ends. */
async function endOfWalk(crypto: CryptoBackend, step: string, path: Uint8Array, proof: StateProof): Promise<Uint8Array> {
  const { otherPath, otherValueHash, siblings } = proof;
  const other = otherPath.length > 0 || otherValueHash.length > 0;
  if (proof.present) {
    ensure(!other, step, "a proof of presence names another leaf", "存在证明中有另一叶子");
    return crypto.sha256(concat(STATE_LEAF, path, await taggedHash(crypto, "talent/state-value/v1", proof.value)));
  }
  ensure(proof.value.length === 0, step, "a proof of absence has a value", "不存在证明中有值");
  if (!other) return new Uint8Array(32);
  ensure(otherPath.length === 32 && otherValueHash.length === 32, step, "the other leaf is malformed", "另一叶子格式不符");
  ensure(!equal(otherPath, path), step, "a proof of absence names the key's own leaf", "不存在证明指向该键自身");
  const onPath = siblings.every((_, i) => bit(otherPath, i) === bit(path, i));
  ensure(onPath, step, "the other leaf is not on the key's path", "另一叶子不在该键的路径上");
  return crypto.sha256(concat(STATE_LEAF, otherPath, otherValueHash));
}

/** That `proof` holds under `root`. */
export async function checkState(
  crypto: CryptoBackend,
  step: string,
  root: Uint8Array,
  proof: StateProof,
): Promise<void> {
  const { siblings } = proof;
  requireSiblings(step, siblings, STATE_DEPTH);
  const path = await taggedHash(crypto, "talent/state-key/v1", proof.key);
  let hash = await endOfWalk(crypto, step, path, proof);
  for (const [i, sibling] of siblings.entries()) {
    const right = bit(path, siblings.length - 1 - i) === 1;
    hash = await crypto.sha256(right ? concat(STATE_NODE, sibling, hash) : concat(STATE_NODE, hash, sibling));
  }
  ensure(equal(hash, root), step, "the state's proof leads to another root", "状态证明指向另一个根");
}
