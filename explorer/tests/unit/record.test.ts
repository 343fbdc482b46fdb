import type { Proven, ProvenRecord, Statement } from "talentchain/verify";
import { describe, expect, it } from "vitest";
import { concat, fromHex, utf8 } from "../../src/bytes";
import type { Checked } from "../../src/check";
import { factsOf } from "../../src/record";
import { encode } from "../support/encode";

const id = "ab".repeat(32);
const publication = "cd".repeat(32);
const block = { height: 4n, hash: "", timeMs: 0n, epoch: 0n, seals: 3, validators: 4 };

const transaction = (kind: string, of: string, payload?: Uint8Array): ProvenRecord["transaction"] => ({
  id: of, chain: "", kind, author: "", validUntil: 1n, disclosure: "FULL", ...(payload && { payload }),
});
const statement = (of: string, fields: Record<string, unknown>): Statement => ({
  block: { ...block, height: 9n },
  key: concat(utf8("pub/"), fromHex(of)),
  present: true,
  value: encode("PublishedRecord", { kind: "AbilityAssessed", publicationTx: fromHex(publication), status: 4, ...fields }),
});

function prove(statements: Statement[], records: ProvenRecord[], published = publication): { checked: Checked; proven: Proven } {
  const proven: Proven = { block, transaction: transaction("RecordPublished", published), statements, records, path: [], epochs: [] };
  return { proven, checked: { ok: true, steps: [], proven } };
}
const assessed: ProvenRecord = {
  role: "record",
  transaction: transaction("AbilityAssessed", id, encode("AbilityAssessed", { scores: [{ dimension: "a", value: 5 }] })),
};

describe("a record's facts", () => {
  it("are what the proof states and carries", () => {
    const { checked, proven } = prove([statement(id, { centre: "centre-1" })], [assessed]);
    const { facts } = factsOf(checked, proven, id);
    expect(facts).toMatchObject({ status: "VERIFIED", centre: "centre-1", erasedBy: "", supersededBy: "" });
    expect(facts?.asOf.height).toBe(9n);
    expect(facts?.content?.kind).toBe("AbilityAssessed");
  });

  it("fail where the proof states another record", () => {
    const { checked, proven } = prove([statement("ef".repeat(32), {})], [assessed]);
    expect(factsOf(checked, proven, id)).toMatchObject({ checked: { ok: false, failed: "standing" } });
  });

  it("fail where the proven transaction is not the publication", () => {
    const { checked, proven } = prove([statement(id, {})], [assessed], "01".repeat(32));
    expect(factsOf(checked, proven, id).checked.failed).toBe("record");
  });

  it("fail where the chain says another kind than was signed", () => {
    const { checked, proven } = prove([statement(id, { kind: "Placed" })], [assessed]);
    expect(factsOf(checked, proven, id).checked.failed).toBe("record");
  });

  it("have no content where that was erased", () => {
    const { checked, proven } = prove([statement(id, { status: 11, erasedBy: new Uint8Array(32).fill(1) })], []);
    const { facts } = factsOf(checked, proven, id);
    expect(facts).toMatchObject({ status: "ERASED", erasedBy: "01".repeat(32) });
    expect(facts?.content).toBeUndefined();
  });
});
