// A chain of one validator, whose key we have: it seals whatever we like.
import { type MessageInitShape } from "@bufbuild/protobuf";
import { KeyPair, encode, ledger, nodeCrypto } from "talentchain";

import { sha256, taggedHash } from "../dist/node_crypto.js";
import { concat, utf8 } from "../dist/verify/bytes.js";
import { type ValidatorSet, makeValidatorSet } from "../dist/verify/validators.js";

type StateProof = MessageInitShape<typeof ledger.StateProofSchema>;
type CertifiedHeader = MessageInitShape<typeof ledger.CertifiedHeaderSchema>;

/** A state of a few entries. */
export class State {
  private readonly entries: { path: Uint8Array; key: Uint8Array; value: Uint8Array }[];

  constructor(entries: { key: Uint8Array; value: Uint8Array }[]) {
    this.entries = entries.map(({ key, value }) => ({ path: taggedHash("talent/state-key/v1", key), key, value }));
  }

  private below(entries: State["entries"], depth: number, right: boolean) {
    return entries.filter(({ path }) => (((path[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1) === right);
  }

  private hash(entries: State["entries"], depth: number): Uint8Array {
    if (entries.length === 0) return new Uint8Array(32);
    const [{ path, value }] = entries as [State["entries"][0]];
    if (entries.length === 1) return sha256(concat(Uint8Array.of(2), path, taggedHash("talent/state-value/v1", value)));
    const [left, right] = [false, true].map((side) => this.hash(this.below(entries, depth, side), depth + 1));
    return sha256(concat(Uint8Array.of(3), left!, right!));
  }

  get root(): Uint8Array {
    return this.hash(this.entries, 0);
  }

  prove(key: Uint8Array): StateProof {
    const path = taggedHash("talent/state-key/v1", key);
    const siblings: Uint8Array[] = [];
    let here = this.entries;
    for (let depth = 0; here.length > 1; ++depth) {
      const right = ((path[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1;
      siblings.unshift(this.hash(this.below(here, depth, !right), depth + 1));
      here = this.below(here, depth, right);
    }
    return { key, value: here[0]!.value, present: true, siblings };
  }
}

export class Forge {
  private readonly author = KeyPair.generate();
  private constructor(
    readonly genesis: Uint8Array,
    private readonly votes: KeyPair[],
    private readonly sets: ValidatorSet[],
  ) {}

  private get chain(): Uint8Array {
    return taggedHash("talent/genesis/v1", this.genesis);
  }

  /** With one validator, another in each of `epochs` epochs. */
  static async make(epochs = 1): Promise<Forge> {
    const votes = Array.from({ length: epochs }, () => KeyPair.generate());
    const sets = await Promise.all(votes.map((vote, i) => makeValidatorSet(nodeCrypto, BigInt(i),
      [{ name: `v${i}`, voteKey: vote.publicKey, nodeKey: KeyPair.generate().publicKey }], "")));
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    const validators = sets[0]!.validators.map((v) => ({ name: v.name, vote_key: hex(v.voteKey), node_key: hex(v.nodeKey) }));
    const consensus = {
      window: 4, max_batch_transactions: 100, max_batch_bytes: 1 << 20, max_transaction_bytes: 65536, view_timeout_ms: 2000,
      view_timeout_cap_ms: 32000, max_clock_drift_ms: 10000, max_valid_for: 100,
    };
    const genesis = { format: 1, name: "forged", tier: "public", suite: "ed25519-sha256", time_ms: 1, consensus, validators, followers: [], app: {} };
    return new Forge(utf8(JSON.stringify(genesis)), votes, sets);
  }

  private seal(epoch: number, height: bigint, fields: MessageInitShape<typeof ledger.BlockHeaderSchema>): CertifiedHeader {
    const validatorsHash = this.sets[epoch]!.hash;
    const header = encode(ledger.BlockHeaderSchema, {
      format: 1, suite: 1, chainId: this.chain, height, previousHash: this.chain, timeMs: 1000n + height, epoch: BigInt(epoch),
      validatorsHash, nextValidatorsHash: validatorsHash, ...fields,
    });
    const signature = this.votes[epoch]!.sign("talent/sign/seal/v1" as never, this.chain, taggedHash("talent/header/v1", header));
    return { header, certificate: { epoch: BigInt(epoch), seals: [{ validator: 0, signature }] } };
  }

  /** The end of an epoch at a height. */
  change(epoch: number, height: bigint): MessageInitShape<typeof ledger.EpochChangeSchema> {
    const next = this.sets[epoch + 1]!;
    return { header: this.seal(epoch, height, { nextValidatorsHash: next.hash }), nextValidators: next.validators };
  }

  /** A transaction, with zeros as the payload's salt. */
  sign(kind: string, data: Uint8Array) {
    const envelope = encode(ledger.EnvelopeSchema, {
      format: 1, chainId: this.chain, kind, authorKey: this.author.publicKey, validUntil: 100n,
      payloadHash: taggedHash("talent/payload/v1", new Uint8Array(32), data),
    });
    return { envelope, signature: this.author.sign("talent/sign/tx/v1", this.chain, envelope) };
  }

  /** That a block at `height`, sealed in `epoch`, holds one transaction; and statements on all of `state`. */
  proof(options: {
    kind: string; data: Uint8Array; state?: { key: Uint8Array; value: Uint8Array }[]; code?: ledger.ReceiptCode;
    epoch?: number; height?: bigint; changes?: MessageInitShape<typeof ledger.EpochChangeSchema>[];
  }): Uint8Array {
    const { kind, data, state: entries = [], code = 0, epoch = 0, height = 1n, changes = [] } = options;
    const { envelope, signature } = this.sign(kind, data);
    const id = taggedHash("talent/envelope/v1", envelope);
    const receipt = encode(ledger.ReceiptSchema, { txId: id, code });
    const leaf = (bytes: Uint8Array) => sha256(concat(Uint8Array.of(0), bytes));
    const state = new State(entries);
    const header = this.seal(epoch, height, {
      transactionsRoot: leaf(id), receiptsRoot: leaf(receipt), transactionCount: 1, stateRoot: state.root,
    });
    return encode(ledger.TransactionProofSchema, {
      epochs: changes, header,
      transaction: { envelope, signature },
      path: { receipt }, payload: { salt: new Uint8Array(32), data },
      statements: entries.map(({ key }) => ({ header, proof: state.prove(key) })),
    });
  }
}
