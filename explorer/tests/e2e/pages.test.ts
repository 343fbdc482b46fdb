// Every page as its readers open it: in both languages, with the keyboard, on a phone, in the dark.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { launch, open, overflow, seriousFindings, visitor } from "../support/browser";
import { kHostile } from "../support/world";

const world = inject("world");
const chain = "#/chains/public";
const kGood = ".verdict.good";
let browser: Browser;

beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

const height = async (): Promise<number> => {
  const status = (await (await fetch(`${world.url}/api/v1/status`)).json()) as { chains: { name: string; height: number }[] };
  return status.chains.find(({ name }) => name === "public")?.height ?? 0;
};
const transactionOf = async (record: string): Promise<string> =>
  ((await (await fetch(`${world.url}/api/v1/chains/public/records/${record}`)).json()) as { publication_tx: string }).publication_tx;

/** Every page: its name, its fragment, what says that it is there, and its heading in both languages. */
const pages: [string, () => Promise<string> | string, string, string, string][] = [
  ["overview", () => "#/", "#newest-blocks ~ .scroll", "Talentchain", "人才链"],
  ["records", () => `${chain}/records`, "main table", "Records", "记录"],
  ["a correction", () => `${chain}/records/${world.correction}`, kGood, "Record", "记录"],
  ["a training", () => `${chain}/records/${world.training}`, kGood, "Record", "记录"],
  ["an erased record", () => `${chain}/records/${world.erased}`, kGood, "Record", "记录"],
  ["blocks", () => `${chain}/blocks`, "main table", "Blocks", "区块"],
  ["a block", () => `${chain}/blocks/1`, kGood, "Block", "区块"],
  ["the newest block", async () => `${chain}/blocks/${await height()}`, kGood, "Block", "区块"],
  ["a transaction", async () => `${chain}/transactions/${await transactionOf(world.correction)}`, kGood, "Transaction", "交易"],
  ["a centre", () => `${chain}/centres/centre-1`, `${kGood} ~ section .cards`, "centre-1", "centre-1"],
  ["trust", () => "#/trust", ".badge.good", "What is trusted", "信任依据"],
];

describe.each(pages)("%s", (_name, fragment, ready, english, chinese) => {
  it("is there in 中文, without anything that axe finds serious, and fits a phone", async () => {
    const { page, complaints } = await visitor(browser, { locale: "zh-CN", viewport: { width: 360, height: 740 } });
    await open(page, world.url, await fragment(), ready);
    expect(await page.textContent("h1")).toContain(chinese);
    expect(await page.getAttribute("html", "lang")).toBe("zh-Hans");
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("is there in English and in the dark", async () => {
    const { page, complaints } = await visitor(browser, { colorScheme: "dark" });
    await open(page, world.url, await fragment(), ready);
    expect(await page.textContent("h1")).toContain(english);
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(16, 22, 21)");
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe("a record's page", () => {
  const look = async (id: string): Promise<Page> => {
    const { page } = await visitor(browser);
    await open(page, world.url, `${chain}/records/${id}`, kGood);
    return page;
  };

  it("shows the correction beside its original, and the path between them as it went", async () => {
    const page = await look(world.correction);
    expect(await page.textContent(".scores")).toContain("−7.00");
    const steps = await page.locator(".timeline > li h4").allTextContents();
    expect(steps[0]).toBe("Promoted to the consortium");
    expect(steps.filter((step) => step === "Review opened")).toHaveLength(3);
    expect(steps.slice(-3)).toEqual(["Dispute answered", "Promoted to the consortium", "Publication of a correction"]);
    await page.click(`main a[href$="${world.original}"] >> nth=0`);
    await page.waitForSelector(`${kGood} ~ section .notice.warn`);
    expect(await page.textContent(".scores")).toContain("−7.00");
    await page.context().close();
  });

  it("shows a training's assessments before and after", async () => {
    const page = await look(world.training);
    expect(await page.locator(".radar .area").count()).toBe(2);
    expect(await page.textContent(".scores")).toContain("+25.00");
    await page.context().close();
  });

  it("says that a record was erased, and shows nothing of what it said", async () => {
    const page = await look(world.erased);
    expect(await page.textContent("main")).toContain("The content was erased");
    expect(await page.textContent("main")).not.toContain("board-7");
    await page.context().close();
  });

  it("keeps hostile texts text, in their place and direction", async () => {
    const page = await look(world.hostile);
    expect(await page.locator("main script, main img").count()).toBe(0);
    const shown = page.locator("bdi.foreign", { hasText: "<script>" }).first();
    expect(await shown.textContent()).toBe(kHostile);
    expect(await shown.evaluate((it) => getComputedStyle(it).unicodeBidi)).toBe("isolate");
    expect(await page.locator(".radar").count()).toBe(1);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.context().close();
  });
});

it("checks by itself where the browser lends no cryptography, as over plain HTTP", async () => {
  const { page, complaints } = await visitor(browser);
  await page.addInitScript(() => Object.defineProperty(Crypto.prototype, "subtle", { value: undefined }));
  await open(page, world.url, `${chain}/records/${world.correction}`, kGood);
  expect(complaints).toEqual([]);
  await page.context().close();
});

describe("who has no mouse", () => {
  it("finds a record, opens the steps of its check and changes the language", async () => {
    const { page } = await visitor(browser);
    await open(page, world.url, "#/", ".cards");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("skip");
    await press(page, "Tab", "#search");
    await page.keyboard.type(world.correction);
    await page.keyboard.press("Enter");
    await page.waitForSelector(kGood);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    await press(page, "Tab", ".verdict summary");
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe("solid");
    await page.keyboard.press("Enter");
    expect(await page.isVisible('.steps li[data-step="certificate"]')).toBe(true);
    await press(page, "Shift+Tab", ".languages button[lang=zh-Hans]");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=已在您的浏览器中核验");
    await page.reload();
    await page.waitForSelector("text=已在您的浏览器中核验");
    await page.context().close();
  });

  const press = async (page: Page, key: string, target: string): Promise<void> => {
    for (let i = 0; i < 60; ++i) {
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), target)) return;
      await page.keyboard.press(key);
    }
    throw new Error(`${key} does not lead to ${target}`);
  };
});

describe("the lists", () => {
  it("are filtered by kind, state, tag and centre, and every record is a link away", async () => {
    const { page } = await visitor(browser);
    await open(page, world.url, `${chain}/records`, "main table");
    await page.selectOption("select[name=state]", "superseded");
    await page.fill("input[name=centre]", "centre-1");
    await page.click(".filters button");
    await page.waitForURL(/state=superseded/);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    expect(await page.getAttribute("tbody td a", "href")).toContain(world.original);
    await open(page, world.url, `${chain}/records?tag=no-such-tag`, ".filters");
    await page.waitForSelector("text=No record fits.");
    await page.context().close();
  });

  it.each([
    ["a height", () => "1", /blocks\/1$/],
    ["a kind in 中文", () => "培训完成", /kind=TrainingCompleted/],
    ["a centre", () => "centre-1", /centres\/centre-1/],
    ["a tag", () => "data-science", /tag=data-science/],
    ["a transaction", () => transactionOf(world.correction), /transactions\//],
  ])("are searched for %s", async (_name, text, url) => {
    const { page } = await visitor(browser);
    await open(page, world.url, "#/", ".cards");
    await page.fill("#search", await text());
    await page.press("#search", "Enter");
    await page.waitForURL(url);
    await page.context().close();
  });
});

it("is quick: the figures of docs/performance.md", async () => {
  const { page } = await visitor(browser);
  const times: { paint: number; verified: number }[] = [];
  for (let i = 0; i < 3; ++i) {
    await page.goto("about:blank");
    await page.goto(`${world.url}/${chain}/records/${world.correction}`);
    await page.waitForSelector(kGood);
    times.push(
      await page.evaluate(() => ({
        paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
        verified: performance.now(),
      })),
    );
  }
  for (const { paint, verified } of times) console.log(`first contentful paint ${paint.toFixed(0)} ms, verified record ${verified.toFixed(0)} ms`);
  expect(Math.min(...times.map(({ verified }) => verified))).toBeLessThan(10_000);
  await page.context().close();
});
