// The correction path, 更正路径: every proven step from the promotion to the correction.
import type { JSX } from "preact";
import type { PathStep, Proven } from "talentchain/verify";
import { useLanguage, useText } from "../context";
import { type Decoded, decode, messagesOf, textOf } from "../messages";
import { kindName } from "../words";
import { Count, Foreign, Go, Hex, Time } from "./basics";

/** Kinds whose content says more than their name. */
const kTelling = new Set(["ReviewRevealed", "DisputeAnswered", "ArbitrationVoted"]);

export function Timeline({ chain, proven, parties }: {
  chain: string;
  proven: Proven;
  parties: ReadonlyMap<string, string>;
}): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const publication = proven.transaction;
  return (
    <ol class="timeline">
      {proven.path.map((step) => (
        <li key={step.transaction.id} class={toneOfStep(step)}>
          <h4>{kindName(step.transaction.kind, language)}</h4>
          <p class="where">
            {t.onConsortium} <Count of={step.height} /> · <By author={step.transaction.author} parties={parties} />
          </p>
          {kTelling.has(step.transaction.kind) && (
            <p>
              <Foreign text={step.detail[language]} />
            </p>
          )}
        </li>
      ))}
      {publication && (
        <li class="good">
          <h4>{kindName(publication.kind, language)}</h4>
          <p class="where">
            {t.onPublic}{" "}
            <Go to={{ page: "block", chain, height: Number(proven.block.height) }}>
              <Count of={proven.block.height} />
            </Go>
            , <Time ms={proven.block.timeMs} /> · <By author={publication.author} parties={parties} />
          </p>
          <p>
            <Go to={{ page: "transaction", chain, id: publication.id }}>
              <Hex id={publication.id} />
            </Go>
          </p>
        </li>
      )}
    </ol>
  );
}

/** Who signed: the party by the pinned genesis, or the key where that has none. */
export function By({ author, parties }: { author: string; parties: ReadonlyMap<string, string> }): JSX.Element {
  const party = parties.get(author);
  return party === undefined ? <Hex id={author} /> : <Foreign text={party} />;
}

function toneOfStep(step: PathStep): string {
  const { kind, payload } = step.transaction;
  if (kind !== "ReviewRevealed" || payload === undefined) return "plain";
  return disputes(decode(kind, payload)) ? "warn" : "good";
}

const disputes = (message: Decoded | undefined): boolean =>
  message !== undefined &&
  messagesOf(message, "verdict")
    .flatMap((verdict) => messagesOf(verdict, "fields"))
    .some((field) => textOf(field, "verdict") === "FIELD_VERDICT_DISPUTE");
