// The shapes of the API's answers that the explorer reads (docs/openapi.json has all of them). What has another shape is an
// error, so the pages need not doubt their values; texts may hold anything and are shown as text.
import * as v from "valibot";

const Id = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Name = v.pipe(v.string(), v.maxLength(65_536));
/** As a genesis has it; it stands in addresses. */
const ChainName = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/));
const page = <S extends v.GenericSchema>(item: S) =>
  v.object({
    chain: Name,
    as_of_height: Count,
    items: v.pipe(v.array(item), v.maxLength(1000)),
    next: v.nullable(Name),
  });

export const Chain = v.object({
  name: ChainName,
  id: Id,
  tier: v.picklist(["private", "consortium", "public"]),
  role: Name,
  readable: v.boolean(),
  height: Count,
  head_hash: Id,
  head_time_ms: Count,
  synced: v.boolean(),
  halted: v.nullable(Name),
  epoch: Count,
  validators: Count,
});
export type Chain = v.InferOutput<typeof Chain>;

export const Status = v.object({ name: Name, version: Name, chains: v.pipe(v.array(Chain), v.maxLength(1000)) });
export type Status = v.InferOutput<typeof Status>;

export const ChainDetail = v.object({
  ...Chain.entries,
  validator_set: v.pipe(v.array(v.object({ name: Name, vote_key: Id, node_key: Id })), v.maxLength(100)),
});

const BlockSummary = v.object({
  height: Count,
  hash: Id,
  time_ms: Count,
  epoch: Count,
  proposer: v.nullable(Name),
  transaction_count: Count,
});
export type BlockSummary = v.InferOutput<typeof BlockSummary>;
export const BlockPage = page(BlockSummary);
export type BlockPage = v.InferOutput<typeof BlockPage>;

const RecordSummary = v.object({
  id: Id,
  kind: Name,
  content_kind: Name,
  state: v.picklist(["current", "superseded", "erased"]),
  status: Name,
  source_chain: Name,
  centre: Name,
  tags: v.pipe(v.array(Name), v.maxLength(100)),
  height: Count,
  published_ms: Count,
  supersedes: v.nullable(Id),
  superseded_by: v.nullable(Id),
});
export type RecordSummary = v.InferOutput<typeof RecordSummary>;
export const RecordPage = page(RecordSummary);
export type RecordPage = v.InferOutput<typeof RecordPage>;

const Transaction = v.object({
  id: Id,
  height: Count,
  index: Count,
  kind: Name,
  author: v.nullable(Name),
  author_key: Id,
  receipt: Name,
  records: v.pipe(v.array(Id), v.maxLength(1000)),
  payload_state: Name,
});
export type Transaction = v.InferOutput<typeof Transaction>;

export const TransactionAnswer = v.object({ status: Name, transaction: v.nullable(Transaction) });

export const Block = v.object({
  hash: Id,
  header: v.object({
    height: Count,
    previous_hash: Id,
    view: Count,
    proposer: Count,
    time_ms: Count,
    transactions_root: Id,
    receipts_root: Id,
    state_root: Id,
    transaction_count: Count,
    epoch: Count,
    validators_hash: Id,
    next_validators_hash: Id,
  }),
  header_bytes: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/), v.maxLength(4096)),
  certificate: v.object({ epoch: Count, seals: v.pipe(v.array(v.unknown()), v.maxLength(100)) }),
  transactions: v.pipe(v.array(Transaction), v.maxLength(10_000)),
});
export type Block = v.InferOutput<typeof Block>;

export const StateAnswer = v.object({
  as_of_height: Count,
  present: v.boolean(),
  statement: v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/)),
  epochs: v.pipe(v.array(v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/))), v.maxLength(10_000)),
});
