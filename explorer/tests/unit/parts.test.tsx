import { renderToString } from "preact-render-to-string";
import { describe, expect, it } from "vitest";
import { LanguageContext } from "../../src/context";
import { perMinute } from "../../src/pages/overview";
import { Foreign } from "../../src/parts/basics";
import { Scores, type Series, dimensionsOf, radarPoint } from "../../src/parts/charts";

const hostile = '\u202e<script>alert(1)</script>"\'><img src=x onerror=alert(1)>';
const series = (name: string, ...values: number[]): Series => ({
  name,
  scores: values.map((value, i) => ({ dimension: `${hostile}${i}`, value })),
});
const draw = (...of: Series[]): string =>
  renderToString(
    <LanguageContext.Provider value="en">
      <Scores title="t" series={of} />
    </LanguageContext.Provider>,
  );

describe("texts of others", () => {
  it("stay text, in a direction of their own", () => {
    const html = renderToString(<Foreign text={hostile} />);
    expect(html).not.toMatch(/<(script|img)/);
    expect(html).toMatch(/^<bdi class="foreign">/);
  });

  it("are bounded, without cutting a letter in two", () => {
    const html = renderToString(<Foreign text={"𠮷".repeat(10_000)} />);
    expect(html.length).toBeLessThan(700);
    expect(html).toContain("𠮷…");
    expect(html).toContain("Show all");
  });
});

describe("charts", () => {
  it("draw a radar of three dimensions and more, bars of fewer", () => {
    expect(draw(series("a", 1, 2))).not.toContain("radar");
    expect(draw(series("a", 1, 2, 3))).toContain("radar");
    expect(draw(series("a", ...Array.from({ length: 40 }, () => 1)))).not.toContain("radar");
  });

  it("have every figure as text, and the change between two", () => {
    const html = draw(series("a", 6100, 5000, 0), series("b", 5400, 5000, 10_000));
    for (const text of ["61.00 %", "54.00 %", "−7.00", "±0.00", "+100.00"]) expect(html.replaceAll("<!-- -->", "")).toContain(text);
  });

  it("take hostile names for text, and no mark of direction into the picture", () => {
    const html = draw(series("a", 1, 2, 3));
    expect(html).not.toMatch(/<(script|img)/);
    expect(html.slice(html.indexOf("<svg"), html.indexOf("</svg>"))).not.toContain("\u202e");
  });

  it("compare dimensions that only one has", () => {
    const one = (dimension: string): Series => ({ name: "", scores: [{ dimension, value: 1 }] });
    expect(dimensionsOf([one("a"), one("b")])).toEqual(["a", "b"]);
  });

  it("keep scores inside", () => {
    expect(radarPoint(0, 4, 99_999)).toEqual(radarPoint(0, 4, 10_000));
    expect(radarPoint(0, 4, -5)).toEqual({ x: 160, y: 160 });
  });
});

describe("throughput", () => {
  it("counts what came after the oldest block's time", () => {
    const blocks = [3, 2, 50].map((transaction_count, i) => ({ time_ms: 60_000 - 30_000 * i, transaction_count }));
    expect(perMinute(blocks)).toBe(5);
    expect(perMinute([])).toBeUndefined();
    expect(perMinute(blocks.slice(0, 1))).toBeUndefined();
  });
});
