// The lists of records and of blocks, a page at a time.
import type { JSX } from "preact";
import { ApiError, getJson } from "../api";
import { useHeight, useLanguage, useLoad, useText } from "../context";
import { type RecordQuery, href, searchOf } from "../route";
import { BlockPage, RecordPage } from "../shapes";
import { kRecordKinds, kindName, stateName } from "../words";
import { Go } from "../parts/basics";
import { Await } from "../parts/feedback";
import { BlockTable, RecordTable } from "../parts/lists";

const kRows = 25;
const kStates = ["current", "superseded", "erased"] as const;

export function RecordsPage({ chain, query }: { chain: string; query: RecordQuery }): JSX.Element {
  const t = useText();
  const height = useHeight(chain);
  const search = searchOf({ ...query, limit: String(kRows) });
  // A page that is not the first stays at the height it was begun at.
  const loaded = useLoad(() => getJson(`chains/${chain}/records${search}`, RecordPage), search, query.from ? 0 : height);
  const gone = loaded.error instanceof ApiError && loaded.error.status === 410;
  const { from: _from, at: _at, ...filters } = query;
  return (
    <>
      <h1>{t.records}</h1>
      <Filters chain={chain} query={query} />
      <Await of={loaded}>
        {(page) => (
          <>
            {page.items.length > 0 ? <RecordTable chain={chain} records={page.items} /> : <p role="status">{t.noRecords}</p>}
            {page.next !== null && page.items.length < kRows && <p class="hint">{t.fewer}</p>}
            <nav class="pages" aria-label={t.records}>
              {query.from !== undefined && <Go to={{ page: "records", chain, query: filters }}>{t.first}</Go>}
              {page.next !== null && (
                <Go to={{ page: "records", chain, query: { ...filters, from: page.next, at: String(page.as_of_height) } }}>{t.more}</Go>
              )}
            </nav>
          </>
        )}
      </Await>
      {gone && <Go to={{ page: "records", chain, query: filters }}>{t.first}</Go>}
      <p class="hint">{t.nodeSays}</p>
    </>
  );
}

function Filters({ chain, query }: { chain: string; query: RecordQuery }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const wanted: RecordQuery = {};
    for (const name of ["kind", "tag", "centre", "state"] as const) {
      const value = String(given.get(name) ?? "").trim();
      if (value !== "") wanted[name] = value;
    }
    location.hash = href({ page: "records", chain, query: wanted });
  };
  return (
    <form class="filters" onSubmit={submit} key={searchOf(query)}>
      <Choice name="kind" label={t.kind} any={t.anyKind} value={query.kind} options={kRecordKinds.map((kind) => [kind, kindName(kind, language)])} />
      <Choice name="state" label={t.state} any={t.anyState} value={query.state} options={kStates.map((state) => [state, stateName(state, language)])} />
      <label>
        {t.tag}
        <input name="tag" maxLength={128} defaultValue={query.tag ?? ""} dir="auto" />
      </label>
      <label>
        {t.centre}
        <input name="centre" maxLength={64} defaultValue={query.centre ?? ""} dir="auto" />
      </label>
      <button type="submit">{t.filter}</button>
      <Go to={{ page: "records", chain, query: {} }}>{t.clear}</Go>
    </form>
  );
}

function Choice({ name, label, any, value, options }: {
  name: string;
  label: string;
  any: string;
  value: string | undefined;
  options: [string, string][];
}): JSX.Element {
  return (
    <label>
      {label}
      <select name={name} defaultValue={value ?? ""}>
        <option value="" selected={value === undefined}>{any}</option>
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function BlocksPage({ chain, from }: { chain: string; from: string | undefined }): JSX.Element {
  const t = useText();
  const height = useHeight(chain);
  const search = searchOf({ limit: String(kRows), ...(from !== undefined && { from }) });
  const loaded = useLoad(() => getJson(`chains/${chain}/blocks${search}`, BlockPage), search, from ? 0 : height);
  return (
    <>
      <h1>{t.blocks}</h1>
      <Await of={loaded}>
        {(page) => (
          <>
            <BlockTable chain={chain} blocks={page.items} />
            <nav class="pages" aria-label={t.blocks}>
              {from !== undefined && <Go to={{ page: "blocks", chain }}>{t.first}</Go>}
              {page.next !== null && <Go to={{ page: "blocks", chain, from: page.next }}>{t.more}</Go>}
            </nav>
          </>
        )}
      </Await>
      <p class="hint">{t.nodeSays}</p>
    </>
  );
}
