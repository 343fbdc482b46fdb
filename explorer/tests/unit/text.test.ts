import { describe, expect, it } from "vitest";
import { readSearch } from "../../src/search";
import { chooseLanguage, textOfLanguage } from "../../src/text";
import { enumName, fieldName, kRecordKinds, kindName, statusName } from "../../src/words";

describe("languages", () => {
  it("takes the address before the choice before the browser", () => {
    expect(chooseLanguage("zh", "en", ["en-GB"])).toBe("zh");
    expect(chooseLanguage(null, "zh", ["en-GB"])).toBe("zh");
    expect(chooseLanguage(null, null, ["fr", "zh-TW", "en"])).toBe("zh");
    expect(chooseLanguage("xx", "<b>", ["fr"])).toBe("en");
  });

  it("has every sentence in both", () => {
    const [en, zh] = [textOfLanguage("en"), textOfLanguage("zh")];
    for (const name of Object.keys(en) as (keyof typeof en)[]) {
      expect(zh[name], name).not.toBe("");
      if (typeof en[name] === "string") expect(zh[name], name).not.toBe(en[name]);
    }
  });

  it("has every kind of record in both, and shows unknown names as they are", () => {
    for (const kind of kRecordKinds) expect(kindName(kind, "zh")).not.toBe(kindName(kind, "en"));
    for (const name of ["constructor", "__proto__", "<i>"]) {
      for (const of of [kindName, fieldName, enumName, statusName]) expect(of(name, "en")).toBe(name);
    }
    expect(statusName("RECORD_STATUS_ERASED", "zh")).toBe("已删除");
  });
});

describe("search", () => {
  const id = "AB".repeat(32);
  it.each([
    [" 12 ", { height: 12 }],
    [id, { id: id.toLowerCase() }],
    ["能力评估", { query: { kind: "AbilityAssessed" } }],
    ["correction", { query: { kind: "Corrected" } }],
    ["data-science", { query: { tag: "data-science" } }],
    ["", { query: {} }],
    ["<img onerror=1>", { query: { tag: "<img onerror=1>" } }],
    ["0", { query: { tag: "0" } }],
  ])("%j", (text, wanted) => {
    expect(readSearch(text)).toEqual(wanted);
  });
});
