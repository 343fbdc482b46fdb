// What somebody typed, and the page that shows it.
import * as v from "valibot";
import { ApiError, getBytes, getJson } from "./api";
import { toHex, utf8 } from "./bytes";
import { type RecordQuery, type Route, isId } from "./route";
import { type Language, kRecordKinds, kindName } from "./words";

/** What a search text may be: a height or an id names one thing, everything else is a filter of records. */
export type Wanted = { height: number } | { id: string } | { query: RecordQuery };

const Present = v.object({ present: v.boolean() });

/** Reads a search text. Kinds are known by their names in either language; an id of a party looks like one. */
export function readSearch(text: string): Wanted {
  const wanted = text.trim();
  if (/^[1-9][0-9]{0,14}$/.test(wanted)) return { height: Number(wanted) };
  if (isId(wanted.toLowerCase())) return { id: wanted.toLowerCase() };
  if (wanted === "") return { query: {} };
  const kind = kRecordKinds.find((name) => sameName(name, wanted));
  if (kind !== undefined) return { query: { kind } };
  return { query: { tag: wanted } };
}

/** The page that shows what was typed. Errors: ApiError where the node does not answer. */
export async function find(text: string, chain: string): Promise<Route> {
  const wanted = readSearch(text);
  if ("height" in wanted) return { page: "block", chain, height: wanted.height };
  if ("id" in wanted) {
    const { id } = wanted;
    if (await exists(`chains/${chain}/records/${id}`)) return { page: "record", chain, id };
    return { page: "transaction", chain, id };
  }
  const { query } = wanted;
  // A name of a centre and a tag look alike: the chain knows its parties.
  if (query.tag !== undefined && /^[a-z0-9-]{1,64}$/.test(query.tag)) {
    const path = `chains/${chain}/state/${toHex(utf8(`party/${query.tag}`))}`;
    if ((await getJson(path, Present)).present) return { page: "centre", chain, centre: query.tag };
  }
  return { page: "records", chain, query };
}

async function exists(path: string): Promise<boolean> {
  try {
    await getBytes(path);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

const languages: Language[] = ["en", "zh"];
const sameName = (kind: string, text: string): boolean =>
  [kind, ...languages.map((language) => kindName(kind, language))].some((name) => name.toLowerCase() === text.toLowerCase());
