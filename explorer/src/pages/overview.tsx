// The node at a glance: its chains, and what is newest on the public one.
import type { JSX } from "preact";
import { getJson } from "../api";
import { useHeight, useLive, useLoad, useText } from "../context";
import { BlockPage, type BlockSummary, ChainDetail, RecordPage, type Status } from "../shapes";
import { Badge, Count, Foreign, Go, Hex, Pair, Pairs, Table, Time } from "../parts/basics";
import { Await } from "../parts/feedback";
import { BlockTable, RecordTable } from "../parts/lists";

/** Rows of each list here. */
const kNewest = 10;

export function OverviewPage(): JSX.Element {
  const t = useText();
  const { status } = useLive();
  const chain = status?.chains.find(({ readable }) => readable)?.name;
  return (
    <>
      <h1>{t.title}</h1>
      <p class="lead">{t.tagline}</p>
      {status === undefined ? <p role="status">{t.loading}</p> : <Chains status={status} />}
      {status !== undefined && chain === undefined && <p class="notice warn">{t.noChain}</p>}
      {chain !== undefined && <Newest chain={chain} />}
    </>
  );
}

function Chains({ status }: { status: Status }): JSX.Element {
  const t = useText();
  return (
    <section aria-labelledby="chains">
      <h2 id="chains">{t.chains}</h2>
      <p>
        <Foreign text={status.name} /> · talentd <Foreign text={status.version} />
      </p>
      <ul class="cards">
        {status.chains.map((chain) => (
          <li key={chain.id} class="card">
            <h3>
              {chain.readable ? (
                <Go to={{ page: "records", chain: chain.name, query: {} }}>
                  <Foreign text={chain.name} />
                </Go>
              ) : (
                <Foreign text={chain.name} />
              )}{" "}
              <Badge tone="plain">{t.tiers[chain.tier] ?? chain.tier}</Badge>
            </h3>
            <ChainFigures chain={chain} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function ChainFigures({ chain }: { chain: Status["chains"][number] }): JSX.Element {
  const t = useText();
  return (
    <>
      <p class="big" data-height={chain.height}>
        {chain.readable && chain.height > 0 ? (
          <Go to={{ page: "block", chain: chain.name, height: chain.height }}>
            <Count of={chain.height} />
          </Go>
        ) : (
          <Count of={chain.height} />
        )}{" "}
        <small>{t.height}</small>
      </p>
      <Pairs>
        <Pair name={t.headTime}>
          <Time ms={chain.head_time_ms} />
        </Pair>
        <Pair name={t.epoch}>
          <Count of={chain.epoch} />
        </Pair>
        <Pair name={t.validators}>
          <Count of={chain.validators} />
        </Pair>
        <Pair name={t.role}>{t.roles[chain.role] ?? <Foreign text={chain.role} />}</Pair>
      </Pairs>
      <p>
        {chain.halted === null ? (
          <Badge tone={chain.synced ? "good" : "warn"}>{chain.synced ? t.synced : t.notSynced}</Badge>
        ) : (
          <>
            <Badge tone="bad">{t.halted}</Badge> <Foreign text={chain.halted} />
          </>
        )}
      </p>
      {!chain.readable && <p class="hint">{t.notReadable}</p>}
    </>
  );
}

function Newest({ chain }: { chain: string }): JSX.Element {
  const t = useText();
  const height = useHeight(chain);
  const detail = useLoad(() => getJson(`chains/${chain}`, ChainDetail), chain, height);
  const blocks = useLoad(() => getJson(`chains/${chain}/blocks?limit=${kNewest}`, BlockPage), chain, height);
  const records = useLoad(() => getJson(`chains/${chain}/records?limit=${kNewest}`, RecordPage), chain, height);
  return (
    <>
      <section aria-labelledby="newest-records">
        <h2 id="newest-records">{t.newestRecords}</h2>
        <Await of={records}>{({ items }) => (items.length > 0 ? <RecordTable chain={chain} records={items} /> : <p>{t.noRecords}</p>)}</Await>
        <p>
          <Go to={{ page: "records", chain, query: {} }}>{t.allRecords}</Go>
        </p>
      </section>
      <section aria-labelledby="newest-blocks">
        <h2 id="newest-blocks">{t.newestBlocks}</h2>
        <Await of={blocks}>
          {({ items }) => (
            <>
              <Throughput blocks={items} />
              <BlockTable chain={chain} blocks={items} />
            </>
          )}
        </Await>
        <p>
          <Go to={{ page: "blocks", chain }}>{t.allBlocks}</Go>
        </p>
      </section>
      <section aria-labelledby="validators">
        <h2 id="validators">{t.validators}</h2>
        <Await of={detail}>
          {({ validator_set }) => (
            <Table label={t.validators} head={[t.name, t.voteKey]}>
              {validator_set.map((validator) => (
                <tr key={validator.vote_key}>
                  <td>
                    <Foreign text={validator.name} />
                  </td>
                  <td>
                    <Hex id={validator.vote_key} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Await>
        <p class="hint">{t.nodeSays}</p>
      </section>
    </>
  );
}

function Throughput({ blocks }: { blocks: BlockSummary[] }): JSX.Element | null {
  const t = useText();
  const rate = perMinute(blocks);
  if (rate === undefined) return null;
  return (
    <p class="hint">
      {t.throughput}: <Count of={rate} />
    </p>
  );
}

/** Transactions a minute over blocks, newest first; undefined where they say nothing about that. */
export function perMinute(blocks: Pick<BlockSummary, "time_ms" | "transaction_count">[]): number | undefined {
  const newest = blocks[0];
  const oldest = blocks.at(-1);
  if (newest === undefined || oldest === undefined || newest.time_ms <= oldest.time_ms) return undefined;
  // The oldest block's own transactions came before the time counted.
  const count = blocks.slice(0, -1).reduce((sum, block) => sum + block.transaction_count, 0);
  return Math.round((count * 600_000) / (newest.time_ms - oldest.time_ms)) / 10;
}
