// A record, its review and its correction path: nothing is shown that the proof does not prove.
import type { JSX } from "preact";
import { trustOf } from "../check";
import { useHeight, useLanguage, useLoad, useText } from "../context";
import { type RecordBundle, type RecordFacts, loadRecord, scoresOf } from "../record";
import { kindName, statusName } from "../words";
import { Badge, Count, Go, Hex, Pair, Pairs, RecordLink, Time, toneOf } from "../parts/basics";
import { Scores, type Series } from "../parts/charts";
import { Await } from "../parts/feedback";
import { Payload } from "../parts/payload";
import { By, Timeline } from "../parts/timeline";
import { VerdictBox } from "../parts/verdict";

type Parties = ReadonlyMap<string, string>;

export function RecordPage({ chain, id }: { chain: string; id: string }): JSX.Element {
  const t = useText();
  const height = useHeight(chain);
  const loaded = useLoad(async () => {
    const trust = await trustOf(chain);
    return { trust, bundle: await loadRecord(trust, id) };
  }, `${chain}/${id}`, height);
  return (
    <>
      <h1>{t.record}</h1>
      <p class="subject">
        <Hex id={id} full />
      </p>
      {loaded.loading && <p role="status">{t.checking}</p>}
      {!loaded.loading && (
        <Await of={loaded}>
          {({ trust, bundle }) => (
            <>
              <VerdictBox chain={chain} checked={bundle.checked} at={bundle.facts?.asOf} />
              {bundle.facts && <Facts chain={chain} facts={bundle.facts} bundle={bundle} parties={trust.parties} />}
            </>
          )}
        </Await>
      )}
    </>
  );
}

function Facts({ chain, facts, bundle, parties }: {
  chain: string;
  facts: RecordFacts;
  bundle: RecordBundle;
  parties: Parties;
}): JSX.Element {
  return (
    <>
      <Standing chain={chain} facts={facts} />
      <Content chain={chain} facts={facts} bundle={bundle} />
      <Path chain={chain} bundle={bundle} parties={parties} />
      <Origin chain={chain} facts={facts} parties={parties} />
    </>
  );
}

function Standing({ chain, facts }: { chain: string; facts: RecordFacts }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  return (
    <section aria-labelledby="standing">
      <h2 id="standing">{t.standing}</h2>
      <p>
        <Badge tone={toneOf(facts.status)}>{statusName(facts.status, language)}</Badge>
      </p>
      {facts.status === "ERASED" && (
        <p class="notice warn">
          {t.contentErased} {t.erasedBy} <Hex id={facts.erasedBy} />.
        </p>
      )}
      {facts.supersededBy !== "" && (
        <p class="notice warn">
          {t.superseded} <RecordLink chain={chain} id={facts.supersededBy} />
        </p>
      )}
      {facts.supersedes !== "" && (
        <p>
          {t.supersedes} <RecordLink chain={chain} id={facts.supersedes} />
        </p>
      )}
      {facts.review && (
        <Pairs>
          <Pair name={t.review}>{statusName(facts.review.status, language)}</Pair>
          <Pair name={t.confirmations}>
            <Count of={facts.review.confirmations} />
          </Pair>
          <Pair name={t.disputes}>
            <Count of={facts.review.disputes} />
          </Pair>
          <Pair name={t.valueClass}>
            <Count of={facts.review.valueClass} />
          </Pair>
          <Pair name={t.reviewAsOf}>
            <Count of={facts.review.asOf} />
          </Pair>
        </Pairs>
      )}
    </section>
  );
}

function Content({ chain, facts, bundle }: { chain: string; facts: RecordFacts; bundle: RecordBundle }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const charts = chartsOf(facts, bundle, { ...t });
  return (
    <section aria-labelledby="content">
      <h2 id="content">
        {t.content}: {kindName(facts.kind, language)}
        {facts.contentKind !== facts.kind && <> · {kindName(facts.contentKind, language)}</>}
      </h2>
      {charts.map(({ title, series }) => (
        <Scores key={title} title={title} series={series} />
      ))}
      {facts.payload ? <Payload chain={chain} message={facts.payload} /> : <p>{missing(facts, t)}</p>}
    </section>
  );
}

function missing(facts: RecordFacts, t: ReturnType<typeof useText>): string {
  if (facts.status === "ERASED") return t.contentErased;
  return facts.signed?.payload === undefined ? t.contentAbsent : t.contentUnknown;
}

/** What can be drawn: the record beside the other end of its correction, a training's assessments, or an assessment by itself. */
function chartsOf(facts: RecordFacts, bundle: RecordBundle, t: ReturnType<typeof useText>): { title: string; series: Series[] }[] {
  const own: Series = { name: t.thisRecord, scores: scoresOf(facts.content) };
  const from = (name: string, other: RecordBundle["before"]): Series => ({ name, scores: scoresOf(other?.facts?.content) });
  const pair = [from(t.before, bundle.before), from(t.after, bundle.after)];
  if (pair.every(({ scores }) => scores.length > 0)) return [{ title: t.comparison, series: pair }];
  if (own.scores.length === 0) return [];
  const original = from(t.original, bundle.original);
  const correction = from(t.correction, bundle.correction);
  if (correction.scores.length > 0) return [{ title: t.comparison, series: [own, correction] }];
  if (original.scores.length > 0) return [{ title: t.comparison, series: [original, own] }];
  return [{ title: t.radar, series: [own] }];
}

function Path({ chain, bundle, parties }: { chain: string; bundle: RecordBundle; parties: Parties }): JSX.Element | null {
  const t = useText();
  const broken = [bundle.original, bundle.correction].find((other) => other !== undefined && !other.checked.ok);
  if (bundle.path === undefined && broken === undefined) return null;
  return (
    <section aria-labelledby="path">
      <h2 id="path">{t.path}</h2>
      {broken && <VerdictBox chain={chain} checked={broken.checked} />}
      {bundle.path && (
        <>
          <p>{t.pathHint}</p>
          <Timeline chain={chain} proven={bundle.path} parties={parties} />
        </>
      )}
    </section>
  );
}

function Origin({ chain, facts, parties }: { chain: string; facts: RecordFacts; parties: Parties }): JSX.Element {
  const t = useText();
  return (
    <section aria-labelledby="origin">
      <h2 id="origin">{t.origin}</h2>
      <Pairs>
        <Pair name={t.centre}>
          <Go to={{ page: "centre", chain, centre: facts.centre }}>
            <bdi>{facts.centre}</bdi>
          </Go>
        </Pair>
        <Pair name={t.sourceChain}>
          <Hex id={facts.sourceChain} />
        </Pair>
        <Pair name={t.consortium}>
          <Hex id={facts.consortium} />
        </Pair>
        <Pair name={t.published}>
          <Go to={{ page: "block", chain, height: Number(facts.height) }}>
            {t.block} <Count of={facts.height} />
          </Go>
          , <Time ms={facts.publishedMs} />
        </Pair>
        <Pair name={t.publicationTx}>
          <Go to={{ page: "transaction", chain, id: facts.publicationTx }}>
            <Hex id={facts.publicationTx} />
          </Go>
        </Pair>
        {facts.correctionTx !== "" && (
          <Pair name={t.correctionTx}>
            <Go to={{ page: "transaction", chain, id: facts.correctionTx }}>
              <Hex id={facts.correctionTx} />
            </Go>
          </Pair>
        )}
        {facts.signed && (
          <>
            <Pair name={t.author}>
              <By author={facts.signed.author} parties={parties} />
            </Pair>
            <Pair name={t.disclosure}>{t.disclosures[facts.signed.disclosure] ?? facts.signed.disclosure}</Pair>
            <Pair name={t.validUntil}>
              <Count of={facts.signed.validUntil} />
            </Pair>
          </>
        )}
      </Pairs>
    </section>
  );
}
