// Green with its steps, or red with the one that failed.
import type { JSX } from "preact";
import type { Block, Step } from "talentchain/verify";
import type { Checked } from "../check";
import { useHeight, useLanguage, useText } from "../context";
import { Count, Foreign, Go, Time } from "./basics";

/** Age of the head from which a reader is told that it is old. */
const kOldMs = 3_600_000;

/** What the check of an answer came to. `title` says what was checked where that is not a record. */
export function VerdictBox({ chain, checked, at, title }: {
  chain: string;
  checked: Checked;
  at?: Block | undefined;
  title?: string;
}): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const failed = checked.steps.find((step) => !step.ok);
  return (
    <section class={`verdict ${checked.ok ? "good" : "bad"}`} role={checked.ok ? "status" : "alert"} data-failed={checked.failed}>
      <h2>
        <span aria-hidden="true">{checked.ok ? "✓ " : "✗ "}</span>
        {checked.ok ? (title ?? t.verified) : t.refuted} {!checked.ok && <Foreign text={failed?.title[language] ?? checked.failed ?? ""} />}
      </h2>
      {!checked.ok && (
        <>
          <p class="reason">
            <Foreign text={failed?.detail[language] ?? ""} />
          </p>
          <p>{t.refutedHint}</p>
        </>
      )}
      {checked.ok && at && <AsOf chain={chain} at={at} />}
      <details open={!checked.ok}>
        <summary>
          {t.steps} ({checked.steps.length})
        </summary>
        <Steps steps={checked.steps} />
      </details>
    </section>
  );
}

function AsOf({ chain, at }: { chain: string; at: Block }): JSX.Element {
  const t = useText();
  const claimed = useHeight(chain);
  const old = Date.now() - Number(at.timeMs) > kOldMs;
  return (
    <>
      <p class="as-of">
        {t.asOf}{" "}
        <Go to={{ page: "block", chain, height: Number(at.height) }}>
          <Count of={at.height} />
        </Go>
        , <Time ms={at.timeMs} />
      </p>
      {old && <p class="stale">{t.headAge}</p>}
      {claimed > Number(at.height) && (
        <p class="stale">
          {t.behind} <Count of={claimed} />
        </p>
      )}
    </>
  );
}

function Steps({ steps }: { steps: Step[] }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  return (
    <ol class="steps">
      {steps.map((step, i) => (
        <li key={i} class={step.ok ? (step.checked ? "good" : "word") : "bad"} data-step={step.name}>
          <strong>
            <span aria-hidden="true">{step.ok ? (step.checked ? "✓ " : "○ ") : "✗ "}</span>
            <Foreign text={step.title[language]} />
          </strong>{" "}
          <Foreign text={step.detail[language]} />
          {step.ok && !step.checked && <em> ({t.stepWord})</em>}
        </li>
      ))}
    </ol>
  );
}
