// Review by commit and reveal 核查: a member commits to a verdict nobody can read yet, and shows it after the commits
// have closed, so that nobody copies another's.
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { type MessageInitShape } from "@bufbuild/protobuf";

import { type Chain, type Outcome, idBytes } from "./chain.js";
import { TalentError } from "./errors.js";
import { decode, encode } from "./messages.js";
import { sha256, taggedHash } from "./node_crypto.js";
import * as tiers from "./tiers.js";
import { utf8 } from "./verify/bytes.js";

const POLL_MS = 500;

/** A verdict on one field of the record, "*" for all of it. */
export type FieldVerdict =
  | { field: string; confirm: true }
  /** The value proposed and the evidence it rests on; their hashes go on the chain, not they. */
  | { field: string; dispute: { proposed: string | Uint8Array; evidence: string | Uint8Array } };

function fieldReview(verdict: FieldVerdict): MessageInitShape<typeof tiers.FieldReviewSchema> {
  const { field } = verdict;
  if (!("dispute" in verdict)) return { field, verdict: tiers.FieldVerdict.CONFIRM };
  const hash = (what: string | Uint8Array) => sha256(typeof what === "string" ? utf8(what) : what);
  const { proposed, evidence } = verdict.dispute;
  return { field, verdict: tiers.FieldVerdict.DISPUTE, proposedValueHash: hash(proposed), evidenceHash: hash(evidence) };
}

/** A verdict, sealed until it is revealed. Keep `bytes` before you commit: who loses them cannot reveal, which costs points. */
export class Review {
  private constructor(private readonly opening: tiers.ReviewOpening, readonly bytes: Uint8Array) {}

  /** On a record of the consortium chain, by the party whose key is logged in. */
  static async of(chain: Chain, record: string, verdicts: FieldVerdict[]): Promise<Review> {
    return Review.fromBytes(encode(tiers.ReviewOpeningSchema, {
      chainId: chain.id,
      recordId: idBytes(record),
      member: await chain.party(),
      verdict: { fields: verdicts.map(fieldReview) },
      salt: new Uint8Array(randomBytes(32)),
    }));
  }

  /** One that was kept. */
  static fromBytes(bytes: Uint8Array): Review {
    return new Review(decode(tiers.ReviewOpeningSchema, bytes), bytes);
  }

  /** Has no effect a second time: an earlier commitment of the same member is refused as DUPLICATE. */
  async commit(chain: Chain): Promise<Outcome> {
    const commitment = taggedHash("talent/review-commit/v1", this.bytes);
    return chain.send(tiers.ReviewCommittedSchema, { recordId: this.opening.recordId, commitment });
  }

  /** Waits until the commits are closed, and reveals. Throws TalentError PRECONDITION where the reveals are over. */
  async reveal(chain: Chain, options: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const { recordId, verdict, salt } = this.opening;
    for (;;) {
      const record = await chain.get(tiers.ConsortiumRecordSchema, "rec/", recordId);
      if (record === undefined) throw new TalentError("NOT_FOUND", "the record is not on this chain");
      if (Date.now() > Number(record.commitsCloseMs)) {
        const early = await this.tryReveal(chain, { recordId, salt, ...(verdict && { verdict }) });
        if (!(early instanceof TalentError)) return early;
        // The chain's time may be a little behind this machine's.
        if (early.code !== "PRECONDITION" || Date.now() >= Number(record.revealsCloseMs)) throw early;
      }
      await pause(POLL_MS, undefined, options);
    }
  }

  private async tryReveal(chain: Chain, message: MessageInitShape<typeof tiers.ReviewRevealedSchema>) {
    try {
      return await chain.send(tiers.ReviewRevealedSchema, message);
    } catch (error) {
      if (error instanceof TalentError) return error;
      throw error;
    }
  }
}
