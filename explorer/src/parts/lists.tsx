// Tables of records and blocks, as the node lists them.
import type { JSX } from "preact";
import { useLanguage, useText } from "../context";
import type { BlockSummary, RecordSummary } from "../shapes";
import { kindName, stateName } from "../words";
import { Badge, Count, Foreign, Go, Hex, RecordLink, Table, Time } from "./basics";

export function RecordTable({ chain, records }: { chain: string; records: RecordSummary[] }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  return (
    <Table label={t.records} head={[t.record, t.kind, t.state, t.tag, t.centre, t.published]}>
      {records.map((record) => (
        <tr key={record.id}>
          <td>
            <RecordLink chain={chain} id={record.id} />
          </td>
          <td>
            <Foreign text={kindName(record.kind, language)} />
            {record.content_kind !== record.kind && (
              <>
                {" · "}
                <Foreign text={kindName(record.content_kind, language)} />
              </>
            )}
          </td>
          <td>
            <Badge tone={record.state === "current" ? "good" : "warn"}>{stateName(record.state, language)}</Badge>
          </td>
          <td>
            <Tags chain={chain} tags={record.tags} />
          </td>
          <td>
            <Go to={{ page: "centre", chain, centre: record.centre }}>
              <Foreign text={record.centre} />
            </Go>
          </td>
          <td>
            <Go to={{ page: "block", chain, height: record.height }}>
              <Count of={record.height} />
            </Go>{" "}
            · <Time ms={record.published_ms} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Tags({ chain, tags }: { chain: string; tags: string[] }): JSX.Element {
  return (
    <ul class="tags">
      {tags.map((tag, i) => (
        <li key={i}>
          <Go to={{ page: "records", chain, query: { tag } }}>
            <Foreign text={tag} />
          </Go>
        </li>
      ))}
    </ul>
  );
}

export function BlockTable({ chain, blocks }: { chain: string; blocks: BlockSummary[] }): JSX.Element {
  const t = useText();
  return (
    <Table label={t.blocks} head={[t.height, t.time, t.transactions, t.proposer, t.hash]}>
      {blocks.map((block) => (
        <tr key={block.height}>
          <td>
            <Go to={{ page: "block", chain, height: block.height }}>
              <Count of={block.height} />
            </Go>
          </td>
          <td>
            <Time ms={block.time_ms} />
          </td>
          <td>
            <Count of={block.transaction_count} />
          </td>
          <td>{block.proposer === null ? "–" : <Foreign text={block.proposer} />}</td>
          <td>
            <Hex id={block.hash} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
