// Pages and their addresses. All of an address is in the fragment, so that the node serves one file and a proxy may put the
// explorer under any path.

/** Filters of the list of records, as the API takes them. */
export interface RecordQuery {
  kind?: string;
  tag?: string;
  centre?: string;
  state?: string;
  from?: string;
  at?: string;
}

export type Route =
  | { page: "overview" }
  | { page: "trust" }
  | { page: "records"; chain: string; query: RecordQuery }
  | { page: "record"; chain: string; id: string }
  | { page: "blocks"; chain: string; from?: string }
  | { page: "block"; chain: string; height: number }
  | { page: "transaction"; chain: string; id: string }
  | { page: "centre"; chain: string; centre: string }
  | { page: "nowhere" };

const kId = /^[0-9a-f]{64}$/;
const kName = /^[a-z0-9-]{1,64}$/;
/** A filter is passed on to the node, which has bounds of its own; this one keeps addresses sane. */
const kMaxFilter = 200;
const kFilters = ["kind", "tag", "centre", "state", "from", "at"] as const;

/** True for 64 hexadecimal digits, the form of every id. */
export const isId = (text: string): boolean => kId.test(text);

/** The page that a fragment such as "#/chains/public/records?tag=steel" names. Never throws. */
export function parseRoute(fragment: string): Route {
  const [path = "", search = ""] = fragment.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  if (parts.length === 0) return { page: "overview" };
  if (parts.length === 1 && parts[0] === "trust") return { page: "trust" };
  const [root, chain, list, one, ...rest] = parts;
  if (root !== "chains" || chain === undefined || list === undefined || rest.length > 0) return { page: "nowhere" };
  if (!kName.test(chain) && !kId.test(chain)) return { page: "nowhere" };
  return one === undefined ? listRoute(chain, list, search) : itemRoute(chain, list, one);
}

/** The fragment of a page; parseRoute of it gives the page again. */
export function href(route: Route): string {
  switch (route.page) {
    case "overview":
      return "#/";
    case "trust":
      return "#/trust";
    case "records":
      return `#/chains/${route.chain}/records${searchOf(route.query)}`;
    case "blocks":
      return `#/chains/${route.chain}/blocks${searchOf(route.from === undefined ? {} : { from: route.from })}`;
    case "record":
      return `#/chains/${route.chain}/records/${route.id}`;
    case "block":
      return `#/chains/${route.chain}/blocks/${route.height}`;
    case "transaction":
      return `#/chains/${route.chain}/transactions/${route.id}`;
    case "centre":
      return `#/chains/${route.chain}/centres/${encodeURIComponent(route.centre)}`;
    case "nowhere":
      return "#/nowhere";
  }
}

/** "?a=b" of what is set, or nothing. */
export function searchOf(query: RecordQuery & { limit?: string }): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return set.length === 0 ? "" : `?${new URLSearchParams(set as [string, string][]).toString()}`;
}

function listRoute(chain: string, list: string, search: string): Route {
  const query = readQuery(search);
  if (list === "records") return { page: "records", chain, query };
  if (list === "blocks") return query.from === undefined ? { page: "blocks", chain } : { page: "blocks", chain, from: query.from };
  return { page: "nowhere" };
}

function itemRoute(chain: string, list: string, one: string): Route {
  const id = one.toLowerCase();
  if (list === "records" && isId(id)) return { page: "record", chain, id };
  if (list === "transactions" && isId(id)) return { page: "transaction", chain, id };
  if (list === "blocks" && /^[1-9][0-9]{0,14}$/.test(one)) return { page: "block", chain, height: Number(one) };
  if (list === "centres" && kName.test(one)) return { page: "centre", chain, centre: one };
  return { page: "nowhere" };
}

function readQuery(search: string): RecordQuery {
  const given = new URLSearchParams(search);
  const query: RecordQuery = {};
  for (const name of kFilters) {
    const value = given.get(name);
    if (value !== null && value !== "") query[name] = value.slice(0, kMaxFilter);
  }
  return query;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
