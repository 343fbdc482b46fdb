// Small pieces that every page uses: texts of others, ids, times, links.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { useLanguage, useText } from "../context";
import { type Route, href } from "../route";

/** Longest text of others shown at once. */
const kShown = 160;

/** What somebody else wrote: text whatever it holds, kept apart from the direction of the text around it, and bounded. */
export function Foreign({ text }: { text: string }): JSX.Element {
  const t = useText();
  const [all, setAll] = useState(false);
  const letters = Array.from(text.slice(0, all ? text.length : 2 * kShown + 2));
  const long = !all && (letters.length > kShown || text.length > 2 * kShown + 2);
  const shown = long ? `${letters.slice(0, kShown).join("")}…` : text;
  return (
    <>
      <bdi class="foreign">{shown}</bdi>
      {long && (
        <button type="button" class="small" onClick={() => setAll(true)}>
          {t.more10k} ({text.length})
        </button>
      )}
    </>
  );
}

/** Hexadecimal digits, shortened for the eye; a reader's voice and a copy get all of them. */
export function Hex({ id, full = false }: { id: string; full?: boolean }): JSX.Element {
  if (full || id.length <= 20) return <code class="hex">{id}</code>;
  return (
    <code class="hex" title={id}>
      {id.slice(0, 10)}…{id.slice(-6)}
    </code>
  );
}

export function Go({ to, children, ...rest }: { to: Route; children: ComponentChildren; class?: string }): JSX.Element {
  return (
    <a href={href(to)} {...rest}>
      {children}
    </a>
  );
}

/** A record by its id. */
export const RecordLink = ({ chain, id, full = false }: { chain: string; id: string; full?: boolean }): JSX.Element => (
  <Go to={{ page: "record", chain, id }}>
    <Hex id={id} full={full} />
  </Go>
);

/** A time in ms since the Unix epoch, in the reader's zone. */
export function Time({ ms }: { ms: number | bigint }): JSX.Element {
  const language = useLanguage();
  const date = new Date(Number(ms));
  if (Number.isNaN(date.getTime())) return <span>{String(ms)}</span>;
  const text = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeStyle: "medium",
  }).format(date);
  return <time dateTime={date.toISOString()}>{text}</time>;
}

/** A number as the language writes it. */
export function Count({ of }: { of: number | bigint }): JSX.Element {
  const language = useLanguage();
  return <span class="number">{of.toLocaleString(language === "zh" ? "zh-CN" : "en-GB")}</span>;
}

/** Pairs of a name and a value. */
export function Pairs({ children }: { children: ComponentChildren }): JSX.Element {
  return <dl class="pairs">{children}</dl>;
}

export function Pair({ name, children }: { name: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A table that scrolls by itself where it is wider than the page; `label` says what it is to who cannot see it. */
export function Table({ label, head, children }: { label: string; head: string[]; children: ComponentChildren }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export type Tone = "good" | "bad" | "warn" | "plain";

/** A word about a state; the mark says it to who does not see the colour. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  const mark = { good: "✓", bad: "✗", warn: "!", plain: "" }[tone];
  return (
    <span class={`badge ${tone}`}>
      {mark !== "" && <span aria-hidden="true">{mark} </span>}
      {children}
    </span>
  );
}

/** Tone of a RecordStatus. */
export function toneOf(status: string): Tone {
  if (status === "VERIFIED" || status === "CORRECTION") return "good";
  return status === "CORRECTED" || status === "ERASED" ? "warn" : "plain";
}
