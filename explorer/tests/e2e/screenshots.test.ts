// The pictures of docs/viewer.md and docs/viewer.zh.md. Written where TALENT_SCREENSHOTS=1 says so, since each run has other ids.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { launch, open, visitor } from "../support/browser";
import { Liar, about, flip } from "../support/liar";
import { root } from "../support/world";

const world = inject("world");
const images = join(root, "docs/images");
const correction = `#/chains/public/records/${world.correction}`;
const kGood = ".verdict.good";
const kWide = { width: 960, height: 640 };
const kPhone = { width: 360, height: 720 };
let browser: Browser;
let liar: Liar;
let lying: string;

describe.runIf(process.env.TALENT_SCREENSHOTS === "1")("pictures", () => {
  beforeAll(async () => {
    mkdirSync(images, { recursive: true });
    browser = await launch();
    liar = new Liar(world.url);
    lying = await liar.listen();
    liar.lie = about("/proofs/", (answer) => ({ ...answer, body: flip(answer.body, answer.body.length >> 1) }));
  });
  afterAll(async () => {
    await browser.close();
    liar.close();
  });

  const take = async (name: string, fragment: string, ready: string, options: BrowserContextOptions, at?: string, url = world.url): Promise<void> => {
    for (const locale of ["en-GB", "zh-CN"]) {
      const { page } = await visitor(browser, { viewport: kWide, ...options, locale });
      await open(page, url, fragment, ready);
      if (at !== undefined) await page.locator(at).first().evaluate((it) => it.scrollIntoView({ behavior: "instant" as ScrollBehavior }));
      await page.screenshot({ path: join(images, `explorer-${name}.${locale.slice(0, 2)}.png`) });
      await page.context().close();
    }
  };

  it("are taken", async () => {
    await take("overview", "#/", "#newest-blocks ~ .scroll", {});
    await take("record", correction, kGood, { viewport: { width: 960, height: 900 } });
    await take("path", correction, kGood, {}, "#path");
    await take("training", `#/chains/public/records/${world.training}`, kGood, { viewport: { width: 960, height: 560 } }, "#content");
    await take("phone", correction, kGood, { viewport: kPhone, colorScheme: "dark" });
    await take("refused", correction, ".verdict.bad", {}, undefined, lying);
  }, 120_000);
});
