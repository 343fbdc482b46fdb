// Charts as SVG that reads as text too: every figure also stands in the table below its chart. Why no library: docs/decisions/0015-charts-by-hand.md.
import type { JSX } from "preact";
import { useLanguage, useText } from "../context";
import { Foreign, Table } from "./basics";
import { Percent } from "./payload";

export interface Score {
  dimension: string;
  value: number;
}
/** Scores of one record. */
export interface Series {
  name: string;
  scores: Score[];
}

const kFull = 10_000;
/** A radar of more axes cannot be read, and one of fewer is none; those are bars only. */
const kRadarAxes = { from: 3, to: 12 } as const;
const kSize = 320;
const kRadius = 104;
const kLabelLetters = 14;
/** Room for labels to the left and right. */
const kMargin = 64;

/** Scores of one assessment, or of two beside each other: a radar where it can be one, bars, and the figures. */
export function Scores({ series, title }: { series: Series[]; title: string }): JSX.Element {
  const dimensions = dimensionsOf(series);
  const radar = dimensions.length >= kRadarAxes.from && dimensions.length <= kRadarAxes.to;
  return (
    <figure class="scores">
      <figcaption>{title}</figcaption>
      {series.length > 1 && <Legend series={series} />}
      <div class="charts">
        {radar && <Radar series={series} dimensions={dimensions} title={title} />}
        <Bars series={series} dimensions={dimensions} />
      </div>
    </figure>
  );
}

/** Every dimension of any of the series, in the order they come. */
export function dimensionsOf(series: Series[]): string[] {
  return [...new Set(series.flatMap(({ scores }) => scores.map(({ dimension }) => dimension)))];
}

/** A score's place on axis `i` of `n`, from the middle of a radar; the first axis points up. */
export function radarPoint(i: number, n: number, value: number): { x: number; y: number } {
  const angle = (2 * Math.PI * i) / n - Math.PI / 2;
  const r = (kRadius * Math.min(Math.max(value, 0), kFull)) / kFull;
  return { x: round(kSize / 2 + r * Math.cos(angle)), y: round(kSize / 2 + r * Math.sin(angle)) };
}

const round = (x: number): number => Math.round(x * 10) / 10;
const scoreOf = (series: Series, dimension: string): number | undefined =>
  series.scores.find((score) => score.dimension === dimension)?.value;
const points = (values: number[]): string =>
  values.map((value, i) => radarPoint(i, values.length, value)).map(({ x, y }) => `${x},${y}`).join(" ");

function Legend({ series }: { series: Series[] }): JSX.Element {
  return (
    <ul class="legend">
      {series.map(({ name }, i) => (
        <li key={i}>
          <span class={`swatch s${i}`} aria-hidden="true" /> {name}
        </li>
      ))}
    </ul>
  );
}

function Radar({ series, dimensions, title }: { series: Series[]; dimensions: string[]; title: string }): JSX.Element {
  const n = dimensions.length;
  return (
    <svg class="radar" viewBox={`${-kMargin} 0 ${kSize + 2 * kMargin} ${kSize}`} role="img" aria-label={title}>
      {[0.25, 0.5, 0.75, 1].map((part) => (
        <polygon key={part} class="ring" points={points(dimensions.map(() => part * kFull))} />
      ))}
      {dimensions.map((dimension, i) => {
        const end = radarPoint(i, n, kFull);
        const label = { x: 160 + (end.x - 160) * 1.16, y: 160 + (end.y - 160) * 1.16 };
        const anchor = Math.abs(end.x - 160) < 12 ? "middle" : end.x > 160 ? "start" : "end";
        return (
          <g key={dimension}>
            <line class="axis" x1={160} y1={160} x2={end.x} y2={end.y} />
            <text x={label.x} y={label.y + 4} text-anchor={anchor} unicode-bidi="isolate">
              {shorten(dimension)}
            </text>
          </g>
        );
      })}
      {series.map((one, i) => (
        <polygon key={i} class={`area s${i}`} points={points(dimensions.map((dimension) => scoreOf(one, dimension) ?? 0))} />
      ))}
    </svg>
  );
}

function Bars({ series, dimensions }: { series: Series[]; dimensions: string[] }): JSX.Element {
  const t = useText();
  const compared = series.length === 2;
  const head = [t.dimension, ...series.map(({ name }) => (compared ? name : t.score)), ...(compared ? [t.change] : [])];
  return (
    <Table label={t.radar} head={head}>
      {dimensions.map((dimension) => (
        <tr key={dimension}>
          <th scope="row">
            <Foreign text={dimension} />
          </th>
          {series.map((one, i) => (
            <td key={i}>
              <Bar value={scoreOf(one, dimension)} of={i} />
            </td>
          ))}
          {compared && (
            <td>
              <Change from={scoreOf(series[0] as Series, dimension)} to={scoreOf(series[1] as Series, dimension)} />
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}

function Bar({ value, of }: { value: number | undefined; of: number }): JSX.Element {
  if (value === undefined) return <>–</>;
  return (
    <span class="bar">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" />
        <rect class={`s${of}`} width={Math.min(value, kFull) / 100} height="8" />
      </svg>
      <Percent of={value} />
    </span>
  );
}

function Change({ from, to }: { from: number | undefined; to: number | undefined }): JSX.Element {
  const language = useLanguage();
  if (from === undefined || to === undefined) return <>–</>;
  const points = (to - from) / 100;
  const sign = points > 0 ? "+" : points < 0 ? "−" : "±";
  return (
    <span class={`number ${points > 0 ? "up" : points < 0 ? "down" : ""}`}>
      {sign}
      {Math.abs(points).toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { minimumFractionDigits: 2 })}
    </span>
  );
}

function shorten(text: string): string {
  // Marks that turn the direction have no isolation inside SVG text everywhere; a label needs none of them.
  const letters = Array.from(text.slice(0, 4 * kLabelLetters).replace(/[\p{Cc}\p{Cf}]/gu, ""));
  return letters.length > kLabelLetters ? `${letters.slice(0, kLabelLetters).join("")}…` : letters.join("");
}
