// A talent centre: its proven entry on the chain, and what became of the records it answers for.
import type { JSX } from "preact";
import { getJson } from "../api";
import { utf8 } from "../bytes";
import { checkState, trustOf } from "../check";
import { useHeight, useLanguage, useLoad, useText } from "../context";
import { type Decoded, decode, textOf, valuesOf } from "../messages";
import { searchOf } from "../route";
import { RecordPage, type RecordSummary } from "../shapes";
import { enumName } from "../words";
import { Badge, Count, Foreign, Go, Hex, Pair, Pairs } from "../parts/basics";
import { Await } from "../parts/feedback";
import { RecordTable } from "../parts/lists";
import { VerdictBox } from "../parts/verdict";

/** Pages of 100 records that are counted; beyond them a figure is "at least". */
const kPages = 10;
/** Corrected records listed here; the rest is a filter away. */
const kListed = 20;

interface Tally {
  records: RecordSummary[];
  complete: boolean;
}

export function CentrePage({ chain, centre }: { chain: string; centre: string }): JSX.Element {
  const t = useText();
  const height = useHeight(chain);
  const key = `${chain}/${centre}`;
  const entry = useLoad(async () => {
    const checked = await checkState(await trustOf(chain), utf8(`party/${centre}`));
    return { checked, party: checked.value && decode("Party", checked.value) };
  }, key, height);
  const tally = useLoad(() => count(chain, centre), key, height);
  return (
    <>
      <h1>
        <Foreign text={centre} />
      </h1>
      <Await of={entry}>
        {({ checked, party }) => (
          <>
            <VerdictBox chain={chain} checked={checked} at={checked.proven?.block} />
            {checked.ok && (party ? <Party party={party} /> : <p class="notice warn">{t.noSuchCentre}</p>)}
          </>
        )}
      </Await>
      <section aria-labelledby="centre-records">
        <h2 id="centre-records">{t.centreRecords}</h2>
        <Await of={tally}>{(counted) => <Figures chain={chain} centre={centre} tally={counted} />}</Await>
      </section>
    </>
  );
}

function Party({ party }: { party: Decoded }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const suspended = valuesOf(party, "suspended").some((value) => value.type === "flag" && value.flag);
  return (
    <>
      {suspended && (
        <p>
          <Badge tone="bad">{t.suspended}</Badge>
        </p>
      )}
      <Pairs>
        <Pair name={t.role}>{enumName(textOf(party, "role"), language)}</Pair>
        <Pair name={t.keys}>
          <ul class="values">
            {valuesOf(party, "keys").map((value, i) => (
              <li key={i}>{value.type === "bytes" && <Hex id={value.hex} />}</li>
            ))}
          </ul>
        </Pair>
      </Pairs>
    </>
  );
}

function Figures({ chain, centre, tally }: { chain: string; centre: string; tally: Tally }): JSX.Element {
  const t = useText();
  const of = (state: string): RecordSummary[] => tally.records.filter((record) => record.state === state);
  const corrected = of("superseded");
  const figures: [string, number, string | undefined][] = [
    [t.total, tally.records.length, undefined],
    [t.standingRecords, of("current").length, "current"],
    [t.corrections, corrected.length, "superseded"],
    [t.erasures, of("erased").length, "erased"],
  ];
  return (
    <>
      <ul class="cards">
        {figures.map(([name, figure, state]) => (
          <li key={name} class="card">
            <p class="big">
              {!tally.complete && <small>{t.atLeast} </small>}
              <Go to={{ page: "records", chain, query: { centre, ...(state !== undefined && { state }) } }}>
                <Count of={figure} />
              </Go>
            </p>
            <p>{name}</p>
          </li>
        ))}
      </ul>
      <p class="hint">{t.centreNote}</p>
      {corrected.length > 0 && (
        <>
          <h3>{t.correctedRecords}</h3>
          <RecordTable chain={chain} records={corrected.slice(0, kListed)} />
        </>
      )}
    </>
  );
}

async function count(chain: string, centre: string): Promise<Tally> {
  const records: RecordSummary[] = [];
  let from: string | null = null;
  let at = "";
  for (let page = 0; page < kPages; ++page) {
    const search: string = searchOf({ centre, limit: "100", ...(from !== null && { from, at }) });
    const answer: RecordPage = await getJson(`chains/${chain}/records${search}`, RecordPage);
    records.push(...answer.items);
    at = String(answer.as_of_height);
    from = answer.next;
    if (from === null) return { records, complete: true };
  }
  return { records, complete: false };
}
