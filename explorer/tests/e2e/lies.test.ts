// A node that lies is found out: red, with the step that failed, and nothing of what it said is shown.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { launch, open, visitor } from "../support/browser";
import { Liar, about, flip, rewrite } from "../support/liar";

const world = inject("world");
const record = `#/chains/public/records/${world.hostile}`;
const kGood = ".verdict.good";
const kBad = ".verdict.bad";
/** In the content of every assessment here, and nowhere else. */
const kInside = "board-7";

let browser: Browser;
let liar: Liar;
let url: string;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launch();
  liar = new Liar(world.url);
  url = await liar.listen();
});
afterAll(async () => {
  await browser.close();
  liar.close();
});
beforeEach(async () => {
  liar.lie = (_, answer) => answer;
  ({ page, complaints } = await visitor(browser));
});
afterEach(async () => {
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** The step at which a page is refused, whose content is not shown. */
async function refused(fragment = record): Promise<string | null> {
  await open(page, url, fragment, kBad);
  expect(await page.locator(kGood).count()).toBe(0);
  expect(await page.textContent("main")).not.toContain(kInside);
  expect(await page.locator(".steps li.bad").count()).toBe(1);
  return page.getAttribute(kBad, "data-failed");
}

describe("a proof", () => {
  it("that is the node's own is shown", async () => {
    await open(page, url, record, kGood);
    expect(await page.textContent("main")).toContain(kInside);
  });

  const kPlaces = 6;  // the verifier's own tests turn every byte
  it.each(Array.from({ length: kPlaces }, (_, i) => i))("with one bit turned, at place %i of 6, is refused", async (i) => {
    liar.lie = about("/proofs/", (answer) => ({ ...answer, body: flip(answer.body, Math.floor(((i + 0.5) * answer.body.length) / kPlaces)) }));
    expect(await refused()).not.toBe("");
  });

  it("of another record is refused", async () => {
    const other = await fetch(`${world.url}/api/v1/chains/public/proofs/${world.correction}`);
    const body = Buffer.from(await other.arrayBuffer());
    liar.lie = about("/proofs/", (answer) => ({ ...answer, body }));
    expect(await refused()).toBe("standing");
  });

  it("cut short, empty, or no proof at all is refused", async () => {
    for (const body of [Buffer.alloc(0), Buffer.from("<html>"), Buffer.alloc(100_000, 8)]) {
      liar.lie = about("/proofs/", (answer) => ({ ...answer, body }));
      expect(await refused()).not.toBe("");
    }
  });

  it("that is withheld leaves nothing shown", async () => {
    liar.lie = about("/proofs/", () => ({ status: 404, type: "application/problem+json", body: Buffer.from('{"reason":"NOT_FOUND"}') }));
    await open(page, url, record, "main .notice");
    expect(await page.locator(kGood).count()).toBe(0);
    expect(await page.textContent("main")).not.toContain(kInside);
  });
});

describe("a stale answer", () => {
  it("is refused by who has seen the chain go on", async () => {
    await open(page, url, `#/chains/public/records/${world.correction}`, kGood);
    liar.lie = about("/proofs/", (answer) => ({ ...answer, body: Buffer.from(world.stale, "base64") }));
    expect(await refused()).toBe("as of");
    expect(await page.textContent(`${kBad} .reason`)).toMatch(/stale/);
  });

  it("is shown with its height, and with the higher one that the node claims", async () => {
    liar.lie = about("/status", (answer) =>
      rewrite<{ chains: { height: number }[] }>(answer, ({ chains }) => chains.forEach((chain) => (chain.height = 99_999))));
    await open(page, url, record, kGood);
    expect(await page.textContent(".stale")).toContain("99,999");
  });
});

describe("another genesis", () => {
  const other = about("/genesis", (answer) => rewrite<{ time_ms: number }>(answer, (genesis) => void (genesis.time_ms += 1)));

  it("than the one of the first visit is refused, everywhere", async () => {
    await open(page, url, record, kGood);
    liar.lie = other;
    expect(await refused()).toBe("pinned genesis");
    expect(await page.getAttribute(".pin", "data-pin")).toBe("bad");
    expect(await refused("#/chains/public/centres/centre-1")).toBe("pinned genesis");
    await open(page, url, "#/trust", ".notice.bad");
  });

  it("on the first visit does not fit the chain's blocks", async () => {
    liar.lie = other;
    expect(await refused()).toBe("header");
  });

  it("is none where the file is broken", async () => {
    liar.lie = about("/genesis", (answer) => ({ ...answer, body: flip(answer.body, 0) }));
    expect(await refused()).toBe("pinned genesis");
  });

  it("than the link's is refused, and the link's own is shown", async () => {
    const { id } = ((await (await fetch(`${world.url}/api/v1/status`)).json()) as { chains: { name: string; id: string }[] }).chains
      .find(({ name }) => name === "public") ?? { id: "" };
    await open(page, `${url}/?pin=${id}`, record, kGood).catch(() => undefined);
    await page.goto(`${url}/?pin=${id}${record}`);
    await page.waitForSelector(kGood);
    await page.goto("about:blank");
    await page.goto(`${url}/?pin=${"ab".repeat(32)}${record}`);
    await page.waitForSelector(kBad);
    expect(await page.getAttribute(kBad, "data-failed")).toBe("pinned genesis");
  });
});

describe("what the node says beside the proof", () => {
  it("does not reach a record's page", async () => {
    liar.lie = about("/records/", (answer) =>
      rewrite<Record<string, unknown>>(answer, () => ({ status: "VERIFIED", payload: { method: "a lie" }, centre: "a-lie" })));
    await open(page, url, record, kGood);
    expect(await page.textContent("main")).not.toContain("a lie");
  });

  it("about a block is refused where its header is another", async () => {
    liar.lie = about("/blocks/", (answer) => rewrite<{ hash: string }>(answer, (block) => void (block.hash = "ab".repeat(32))));
    expect(await refused("#/chains/public/blocks/2")).toBe("block");
  });

  it("about a centre is refused where the state does not prove it", async () => {
    liar.lie = about("/state/", (answer) =>
      rewrite<{ statement: string }>(answer, (said) => {
        const statement = Buffer.from(said.statement, "hex");
        said.statement = flip(statement, statement.length >> 1).toString("hex");
      }));
    expect(await refused("#/chains/public/centres/centre-1")).not.toBe("");
  });

  it("about another centre than the one asked for is refused", async () => {
    const other = await fetch(`${world.url}/api/v1/chains/public/state/${Buffer.from("party/centre-2").toString("hex")}?prove=1`);
    const body = Buffer.from(await other.arrayBuffer());
    liar.lie = about("/state/", (answer) => ({ ...answer, body }));
    expect(await refused("#/chains/public/centres/centre-1")).toBe("statement");
  });

  const kNames = `\u202e${"<b onmouseover=alert(1)>".repeat(500)}`;
  it("stays text, and bounded, where it is hostile", async () => {
    liar.lie = (path, answer) => {
      if (path.endsWith("/status")) {
        return rewrite<{ name: string; version: string }>(answer, (status) => void Object.assign(status, { name: kNames, version: kNames }));
      }
      if (!path.includes("/records?")) return answer;
      return rewrite<{ items: { kind: string; centre: string; tags: string[] }[] }>(answer, ({ items }) => {
        for (const item of items) Object.assign(item, { kind: kNames, centre: kNames, tags: [kNames, kNames] });
      });
    };
    await open(page, url, "#/", "main table");
    expect(await page.locator("main b").count()).toBe(0);
    expect(await page.locator(".scroll").first().evaluate((it) => it.clientHeight)).toBeLessThan(12_000);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  });

  it.each(["", "[]", "null", '{"chains":"none"}', `{"name":"","version":"","chains":[${"[".repeat(1000)}`])(
    "is an error where it has another shape: %j",
    async (body) => {
      liar.lie = about("/api/v1/", (answer) => (answer.type.includes("json") ? { ...answer, body: Buffer.from(body) } : answer));
      await page.goto(`${url}/#/chains/public/records`);
      await page.waitForSelector("main .notice.warn");
      expect(await page.textContent("main")).toContain("did not answer as it should");
    },
  );

  it("is marked as old where the node answers no more", async () => {
    await open(page, url, "#/", ".cards");
    liar.lie = () => {
      throw new Error("silent");
    };
    await page.waitForSelector(".strip .badge.warn", { timeout: 15_000 });
    expect(await page.isVisible(".cards")).toBe(true);
  });
});
