// A block, and a transaction.
import type { JSX } from "preact";
import { ApiError, getJson } from "../api";
import { type Checked, checkHeight, checkTransaction, fail, trustOf } from "../check";
import { useLanguage, useLoad, useText } from "../context";
import { decode } from "../messages";
import { Block, type Transaction, TransactionAnswer } from "../shapes";
import { kindName } from "../words";
import { Badge, Count, Foreign, Go, Hex, Pair, Pairs, RecordLink, Table, Time } from "../parts/basics";
import { Await } from "../parts/feedback";
import { Payload } from "../parts/payload";
import { By } from "../parts/timeline";
import { VerdictBox } from "../parts/verdict";

const kOtherBlock = { en: "the block shown is not the proven one", zh: "所示区块不是所证明的区块" };

export function BlockPageView({ chain, height }: { chain: string; height: number }): JSX.Element {
  const t = useText();
  const loaded = useLoad(async () => {
    const block = await getJson(`chains/${chain}/blocks/${height}`, Block);
    return { block, checked: await checkBlock(chain, block) };
  }, `${chain}/${height}`);
  return (
    <>
      <h1>
        {t.block} <Count of={height} />
      </h1>
      <Await of={loaded}>
        {({ block, checked }) => (
          <>
            {checked ? <VerdictBox chain={chain} checked={checked} title={t.blockChecked} /> : <p class="notice warn">{t.blockUnchecked}</p>}
            {(checked === undefined || checked.ok) && <BlockFacts chain={chain} block={block} />}
            {checked?.ok !== false && <Transactions chain={chain} transactions={block.transactions} />}
          </>
        )}
      </Await>
      <nav class="pages" aria-label={t.blocks}>
        {height > 1 && <Go to={{ page: "block", chain, height: height - 1 }}>{t.previous}</Go>}
        <Go to={{ page: "block", chain, height: height + 1 }}>{t.next}</Go>
      </nav>
    </>
  );
}

// A transaction's proof carries the certified header of its block, so the first one proves the block it is in; a block without
// any is proven by the state after it, where the node has kept that.
async function checkBlock(chain: string, block: Block): Promise<Checked | undefined> {
  const first = block.transactions[0];
  const trust = await trustOf(chain);
  let checked: Checked;
  try {
    checked = first === undefined ? await checkHeight(trust, block.header.height) : await checkTransaction(trust, first.id);
  } catch (error) {
    if (error instanceof ApiError && first === undefined && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
  if (checked.proven === undefined) return checked;
  const { height, hash, timeMs } = checked.proven.block;
  const same = hash === block.hash && Number(height) === block.header.height && Number(timeMs) === block.header.time_ms;
  return same ? checked : fail(checked, "block", kOtherBlock);
}

function BlockFacts({ chain, block }: { chain: string; block: Block }): JSX.Element {
  const t = useText();
  const { header } = block;
  const hashes: [string, string][] = [
    [t.hash, block.hash],
    [t.transactionsRoot, header.transactions_root],
    [t.receiptsRoot, header.receipts_root],
    [t.stateRoot, header.state_root],
    [t.validatorsHash, header.validators_hash],
  ];
  return (
    <section>
      <Pairs>
        <Pair name={t.time}>
          <Time ms={header.time_ms} />
        </Pair>
        <Pair name={t.epoch}>
          <Count of={header.epoch} />
        </Pair>
        <Pair name={t.seals}>
          <Count of={block.certificate.seals.length} />
        </Pair>
        {hashes.map(([name, hash]) => (
          <Pair key={name} name={name}>
            <Hex id={hash} />
          </Pair>
        ))}
        <Pair name={t.previous}>
          {header.height > 1 ? (
            <Go to={{ page: "block", chain, height: header.height - 1 }}>
              <Hex id={header.previous_hash} />
            </Go>
          ) : (
            <Hex id={header.previous_hash} />
          )}
        </Pair>
      </Pairs>
      {header.next_validators_hash !== header.validators_hash && <p class="notice warn">{t.newEpoch}</p>}
    </section>
  );
}

function Transactions({ chain, transactions }: { chain: string; transactions: Transaction[] }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  return (
    <section aria-labelledby="transactions">
      <h2 id="transactions">
        {t.transactions} (<Count of={transactions.length} />)
      </h2>
      <Table label={t.transactions} head={[t.transaction, t.kind, t.author, t.receipt, t.carries]}>
        {transactions.map((tx) => (
          <tr key={tx.id}>
            <td>
              <Go to={{ page: "transaction", chain, id: tx.id }}>
                <Hex id={tx.id} />
              </Go>
            </td>
            <td>
              <Foreign text={kindName(tx.kind, language)} />
            </td>
            <td>{tx.author === null ? <Hex id={tx.author_key} /> : <Foreign text={tx.author} />}</td>
            <td>
              <Receipt code={tx.receipt} />
            </td>
            <td>
              <RecordList chain={chain} records={tx.records} />
            </td>
          </tr>
        ))}
      </Table>
      <p class="hint">{t.nodeSays}</p>
    </section>
  );
}

function Receipt({ code }: { code: string }): JSX.Element {
  const t = useText();
  if (code === "OK") return <Badge tone="good">{t.tookEffect}</Badge>;
  return (
    <Badge tone="warn">
      {t.noEffect} <Foreign text={code} />
    </Badge>
  );
}

function RecordList({ chain, records }: { chain: string; records: string[] }): JSX.Element {
  return (
    <ul class="tags">
      {records.map((id) => (
        <li key={id}>
          <RecordLink chain={chain} id={id} />
        </li>
      ))}
    </ul>
  );
}

export function TransactionPage({ chain, id }: { chain: string; id: string }): JSX.Element {
  const t = useText();
  const loaded = useLoad(async () => {
    const answer = await getJson(`chains/${chain}/transactions/${id}`, TransactionAnswer);
    if (answer.transaction === null) return { pending: true as const };
    const trust = await trustOf(chain);
    return { pending: false as const, trust, said: answer.transaction, checked: await checkTransaction(trust, id) };
  }, `${chain}/${id}`);
  return (
    <>
      <h1>{t.transaction}</h1>
      <p class="subject">
        <Hex id={id} full />
      </p>
      <Await of={loaded}>
        {(found) =>
          found.pending ? (
            <p role="status">{t.pending}</p>
          ) : (
            <ProvenTransaction chain={chain} checked={found.checked} said={found.said} parties={found.trust.parties} />
          )
        }
      </Await>
    </>
  );
}

// A transaction without effect is proven to be one: its check ends at the last step, "effect".
function ProvenTransaction({ chain, checked, said, parties }: {
  chain: string;
  checked: Checked;
  said: Transaction;
  parties: ReadonlyMap<string, string>;
}): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const { proven } = checked;
  const tx = proven?.transaction;
  if (checked.failed === "effect") {
    return (
      <>
        <p class="notice warn">
          <Receipt code={said.receipt} />
        </p>
        <VerdictBox chain={chain} checked={checked} />
      </>
    );
  }
  if (proven === undefined || tx === undefined) return <VerdictBox chain={chain} checked={checked} />;
  const payload = tx.payload && decode(tx.kind, tx.payload);
  return (
    <>
      <VerdictBox chain={chain} checked={checked} />
      <Pairs>
        <Pair name={t.kind}>
          <Foreign text={kindName(tx.kind, language)} />
        </Pair>
        <Pair name={t.block}>
          <Go to={{ page: "block", chain, height: Number(proven.block.height) }}>
            <Count of={proven.block.height} />
          </Go>
          , <Time ms={proven.block.timeMs} />
        </Pair>
        <Pair name={t.receipt}>
          <Receipt code="OK" />
        </Pair>
        <Pair name={t.author}>
          <By author={tx.author} parties={parties} />
        </Pair>
        <Pair name={t.validUntil}>
          <Count of={tx.validUntil} />
        </Pair>
        <Pair name={t.carries}>
          {proven.records.length > 0 ? <RecordList chain={chain} records={proven.records.map(({ transaction }) => transaction.id)} /> : t.none}
        </Pair>
      </Pairs>
      <section aria-labelledby="content">
        <h2 id="content">{t.content}</h2>
        {payload ? (
          <details>
            <summary>{kindName(tx.kind, language)}</summary>
            <Payload chain={chain} message={payload} />
          </details>
        ) : (
          <p>{tx.payload === undefined ? t.contentAbsent : t.contentUnknown}</p>
        )}
      </section>
    </>
  );
}
