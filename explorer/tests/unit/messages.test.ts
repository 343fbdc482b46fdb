import { describe, expect, it } from "vitest";
import { decode, messagesOf, numberOf, textOf } from "../../src/messages";
import { scoresOf } from "../../src/record";
import { kRecordKinds } from "../../src/words";
import { encode } from "../support/encode";

describe("messages", () => {
  it("knows every kind of record", () => {
    for (const kind of kRecordKinds) expect(decode(kind, new Uint8Array()), kind).toBeDefined();
  });

  it("reads an assessment", () => {
    const scores = [{ dimension: "\u202eevil<b>", value: 6200 }, { dimension: "b", value: 1 }];
    const message = decode("AbilityAssessed", encode("AbilityAssessed", { subjectId: new Uint8Array(32).fill(7), scores, phase: 2 }));
    expect(scoresOf(message)).toEqual(scores);
    expect(message && textOf(message, "phase")).toBe("ASSESSMENT_PHASE_BEFORE_TRAINING");
    expect(message && textOf(message, "subject_id")).toBe("07".repeat(32));
  });

  it("reads a correction down to what it puts in place, and statements down to what was signed", () => {
    const content = encode("TrainingCompleted", { course: "welding", hours: 40 });
    const corrected = decode("Corrected", encode("Corrected", { contentKind: "TrainingCompleted", content }));
    const [inside] = corrected ? messagesOf(corrected, "content") : [];
    expect(inside && [inside.kind, textOf(inside, "course"), numberOf(inside, "hours")]).toEqual(["TrainingCompleted", "welding", 40n]);
    const statement = encode("InvestmentStatement", { enterprise: "acme", amount: 12n });
    const investment = decode("InvestmentConfirmed", encode("InvestmentConfirmed", { statement }));
    expect(investment && messagesOf(investment, "statement").map((message) => textOf(message, "enterprise"))).toEqual(["acme"]);
  });

  it("keeps bytes that are no message as bytes", () => {
    const content = Uint8Array.of(0xff, 0xff);
    const corrected = decode("Corrected", encode("Corrected", { contentKind: "AbilityAssessed", content }));
    expect(corrected && messagesOf(corrected, "content")).toEqual([]);
    const odd = decode("Corrected", encode("Corrected", { contentKind: "../Nothing", content }));
    expect(odd && textOf(odd, "content")).toBe("ffff");
  });

  it("ends corrections inside corrections", () => {
    let content = encode("Corrected", { contentKind: "Corrected" });
    for (let i = 0; i < 60; ++i) content = encode("Corrected", { contentKind: "Corrected", content });
    expect(decode("Corrected", content)).toBeDefined();
  });

  it.each(["NoSuchKind", "__proto__", ""])("knows no %j", (kind) => {
    expect(decode(kind, new Uint8Array())).toBeUndefined();
  });

  it("takes bytes cut anywhere for none, or for a shorter message, and never fails", () => {
    const bytes = encode("AbilityAssessed", { scores: [{ dimension: "a", value: 5 }], method: "m" });
    for (let size = 0; size < bytes.length; ++size) expect(() => decode("AbilityAssessed", bytes.slice(0, size))).not.toThrow();
  });
});
