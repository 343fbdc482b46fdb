import { describe, expect, it } from "vitest";
import { type Route, href, parseRoute } from "../../src/route";

const id = "ab".repeat(32);

describe("routes", () => {
  const pages: Route[] = [
    { page: "overview" },
    { page: "trust" },
    { page: "records", chain: "public", query: {} },
    { page: "records", chain: "public", query: { tag: "数据 & <b>", centre: "centre-1", state: "current" } },
    { page: "record", chain: "public", id },
    { page: "blocks", chain: "public" },
    { page: "blocks", chain: "public", from: "12" },
    { page: "block", chain: "public", height: 7 },
    { page: "transaction", chain: id, id },
    { page: "centre", chain: "public", centre: "centre-1" },
  ];
  it.each(pages)("$page leads back to itself", (page) => {
    expect(parseRoute(href(page))).toEqual(page);
  });

  it.each([
    "#/nothing", "#/chains", "#/chains/public", "#/chains/public/people", "#/chains/UPPER/records", "#/chains/public/records/12",
    "#/chains/public/blocks/0", "#/chains/public/blocks/1e3", "#/chains/public/records/%zz", "#/chains/a/b/c/d/e",
    "#/chains/%3Cscript%3E/records", `#/chains/public/centres/${"a".repeat(65)}`,
  ])("%s is no page", (fragment) => {
    expect(parseRoute(fragment)).toEqual({ page: "nowhere" });
  });

  it("takes only the filters it knows, bounded", () => {
    const route = parseRoute(`#/chains/public/records?kind=A&evil=1&tag=${"x".repeat(5000)}`);
    expect(route).toEqual({ page: "records", chain: "public", query: { kind: "A", tag: "x".repeat(200) } });
  });
});
