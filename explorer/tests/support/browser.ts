// Pages in Debian's Chromium, and what went wrong in them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// No sandbox: the tests may run as root, and look at loopback only.
export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"], timeout: 150_000 });

/** A page of a visitor of its own, and everything its console complained of, CSP included. */
export async function visitor(browser: Browser, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1100, height: 900 }, timezoneId: "Asia/Shanghai", ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // An answer of 404 is one: the console says so of every one.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) complaints.push(message.text());
  });
  return { page, complaints };
}

/** Opens a page of the explorer and waits until what it is about is there. */
export async function open(page: Page, url: string, fragment: string, ready: string): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`${url}/${fragment}`);
  await page.waitForSelector(ready);
  await page.waitForFunction(() => ![...document.querySelectorAll("[role=status]")].some((it) => /…$/.test(it.textContent ?? "")));
}

/** What axe finds serious or worse. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const results = await page.evaluate(() => (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run());
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

/** How far the page is wider than what shows it. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
