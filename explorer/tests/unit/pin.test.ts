import { beforeEach, describe, expect, it } from "vitest";
import { type Store, decidePin, forgetPin, highestSeen, holds, rememberHeight } from "../../src/pin";

const a = "aa".repeat(32);
const b = "bb".repeat(32);
let kept: Map<string, string>;
let store: Store;

beforeEach(() => {
  kept = new Map();
  store = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
});

describe("pin", () => {
  it("trusts what it sees first, and then only that", () => {
    expect(decidePin("public", a, "", null, store)).toEqual({ id: a, source: "first", given: a });
    const later = decidePin("public", b, "", null, store);
    expect(later).toEqual({ id: a, source: "stored", given: b });
    expect(holds(later)).toBe(false);
  });

  it("keeps the pins of chains apart", () => {
    decidePin("public", a, "", null, store);
    expect(decidePin("other", b, "", null, store).source).toBe("first");
  });

  it("takes the link's before its own, says that they differ, and keeps its own", () => {
    decidePin("public", a, "", null, store);
    expect(decidePin("public", a, "", b, store)).toEqual({ id: b, source: "link", given: a, other: a });
    expect(decidePin("public", a, "", null, store).id).toBe(a);
  });

  it("takes the id in an address for a pin", () => {
    expect(holds(decidePin(a, b, "", null, store))).toBe(false);
    expect(holds(decidePin(a, a, "", null, store))).toBe(true);
  });

  it("takes the build's before the link's", () => {
    expect(decidePin("public", b, a, b, store)).toEqual({ id: a, source: "build", given: b, other: b });
  });

  it("does not pin a genesis that a link says is another", () => {
    decidePin("public", b, "", a, store);
    expect(kept.size).toBe(0);
  });

  it("does not hold where the file is no genesis, and does not pin that", () => {
    expect(holds(decidePin("public", "", "", null, store))).toBe(false);
    expect(kept.size).toBe(0);
  });

  it.each(["", "zz", `${a}0`, `<script>${a}`])("takes %j for no pin", (link) => {
    expect(decidePin("public", a, "", link, store).source).toBe("first");
  });

  it("remembers how far it has seen, and forgets with the pin", () => {
    rememberHeight(a, 9n, store);
    rememberHeight(a, 4n, store);
    expect(highestSeen(a, store)).toBe(9n);
    kept.set(`talentchain.seen.${b}`, "not a number");
    expect(highestSeen(b, store)).toBe(0n);
    decidePin("public", a, "", null, store);
    forgetPin("public", a, store);
    expect(highestSeen(a, store)).toBe(0n);
    expect(decidePin("public", b, "", null, store).source).toBe("first");
  });
});
