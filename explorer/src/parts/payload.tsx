// A proven message as a table people can read.
import type { ComponentChildren, JSX } from "preact";
import { useLanguage, useText } from "../context";
import type { Decoded, Field, Value } from "../messages";
import { enumName, fieldName, kindName } from "../words";
import { Count, Foreign, Hex, Pair, Pairs, RecordLink, Table, Time } from "./basics";

/** Fields that hold hundredths of a percent. */
const kPercent = new Set([
  "value", "weight", "mean_score", "bar", "share_bps", "will_bps", "sold_bps",
]);
/** Fields that name a record of the private chain, which may be published too. */
const kRecords = new Set([
  "before_assessment", "after_assessment", "plan", "training", "investment", "token", "placement", "flow", "closes",
  "supersedes", "record_id", "correction", "transfer", "will",
]);

export function Payload({ chain, message }: { chain: string; message: Decoded }): JSX.Element {
  return (
    <Pairs>
      {message.fields.map((field) => (
        <FieldPair key={field.name} chain={chain} field={field} />
      ))}
    </Pairs>
  );
}

function FieldPair({ chain, field }: { chain: string; field: Field }): JSX.Element {
  const language = useLanguage();
  return <Pair name={fieldName(field.name, language)}>{fieldValues(chain, field, fieldName(field.name, language))}</Pair>;
}

function fieldValues(chain: string, field: Field, label: string): ComponentChildren {
  const messages = field.values.flatMap((value) => (value.type === "message" ? [value.message] : []));
  if (field.repeated && messages.length === field.values.length) return <Rows chain={chain} messages={messages} label={label} />;
  if (!field.repeated) return <One chain={chain} name={field.name} value={field.values[0] as Value} />;
  return (
    <ul class="values">
      {field.values.map((value, i) => (
        <li key={i}>
          <One chain={chain} name={field.name} value={value} />
        </li>
      ))}
    </ul>
  );
}

/** Messages of one kind, a row each; a column for every field that any of them has. */
function Rows({ chain, messages, label }: { chain: string; messages: Decoded[]; label: string }): JSX.Element {
  const language = useLanguage();
  const names = [...new Set(messages.flatMap((message) => message.fields.map(({ name }) => name)))];
  return (
    <Table label={label} head={names.map((name) => fieldName(name, language))}>
      {messages.map((message, i) => (
        <tr key={i}>
          {names.map((name) => {
            const field = message.fields.find((entry) => entry.name === name);
            return <td key={name}>{field && fieldValues(chain, field, fieldName(name, language))}</td>;
          })}
        </tr>
      ))}
    </Table>
  );
}

function One({ chain, name, value }: { chain: string; name: string; value: Value }): JSX.Element {
  const t = useText();
  const language = useLanguage();
  switch (value.type) {
    case "text":
      return <Foreign text={name === "content_kind" ? kindName(value.text, language) : value.text} />;
    case "number":
      return <Quantity name={name} number={value.number} />;
    case "flag":
      return <>{value.flag ? t.yes : t.no}</>;
    case "bytes":
      return kRecords.has(name) && value.hex.length === 64 ? <RecordLink chain={chain} id={value.hex} /> : <Hex id={value.hex} />;
    case "enum":
      return <>{enumName(value.name, language)}</>;
    case "message":
      return <Payload chain={chain} message={value.message} />;
  }
}

function Quantity({ name, number }: { name: string; number: bigint }): JSX.Element {
  if (name.endsWith("_ms")) return <Time ms={number} />;
  return kPercent.has(name) ? <Percent of={Number(number)} /> : <Count of={number} />;
}

/** Hundredths of a percent, 0 to 10000. */
export function Percent({ of }: { of: number }): JSX.Element {
  return <span class="number">{(of / 100).toFixed(2)} %</span>;
}
