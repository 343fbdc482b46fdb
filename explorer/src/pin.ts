// Which genesis is trusted. Everything is checked against one chain id, the hash of the genesis file: given when the explorer was
// built, else in the link (?pin=…), else what this browser saw on its first visit.

export type PinSource = "build" | "link" | "stored" | "first";

/** What is trusted for a chain, and whether what the node gives is that. */
export interface Pin {
  id: string;
  source: PinSource;
  /** Id of the genesis that the node gave; empty where what it gave is none. */
  given: string;
  /** An id that was pinned here before and that the link's is not. */
  other?: string;
}

const kPrefix = "talentchain.pin.";
const kSeen = "talentchain.seen.";
const kId = /^[0-9a-f]{64}$/;

/** What localStorage offers of itself; a browser may refuse it, and then nothing is kept. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** True where the node's genesis is the trusted one. */
export const holds = (pin: Pin): boolean => pin.given !== "" && pin.id === pin.given;

/** Decides what to trust for `chain`, whose node gave the genesis `given`, and remembers the first one seen. An address that names
 *  the chain by its id instead of its name is a pin by itself. */
export function decidePin(chain: string, given: string, build: string, link: string | null, store: Store): Pin {
  const stored = idOr(store.getItem(kPrefix + chain));
  const built = idOr(build);
  const linked = idOr(link) ?? idOr(chain);
  const id = built ?? linked ?? stored ?? given;
  const source: PinSource = built ? "build" : linked ? "link" : stored ? "stored" : "first";
  if (stored === undefined && given !== "" && id === given) store.setItem(kPrefix + chain, id);
  const before = stored ?? linked;
  return before !== undefined && before !== id ? { id, source, given, other: before } : { id, source, given };
}

/** Forgets the pin of a chain and how far it was seen: the next visit is a first one. */
export function forgetPin(chain: string, id: string, store: Store): void {
  store.removeItem(kPrefix + chain);
  store.removeItem(kSeen + id);
}

/** The highest height proven here of the chain of that id; 0 where none was. */
export function highestSeen(id: string, store: Store): bigint {
  const text = store.getItem(kSeen + id) ?? "";
  return /^[0-9]{1,18}$/.test(text) ? BigInt(text) : 0n;
}

/** Remembers that `height` was proven. */
export function rememberHeight(id: string, height: bigint, store: Store): void {
  if (height > highestSeen(id, store)) store.setItem(kSeen + id, height.toString());
}

/** localStorage, or nothing kept where the browser refuses it. */
export function browserStore(): Store {
  try {
    localStorage.getItem(kPrefix);
    return {
      getItem: (key) => localStorage.getItem(key),
      setItem: (key, value) => {
        try {
          localStorage.setItem(key, value);
        } catch {
          // Full: what is not kept is asked for again.
        }
      },
      removeItem: (key) => localStorage.removeItem(key),
    };
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}

function idOr(text: string | null): string | undefined {
  const id = (text ?? "").trim().toLowerCase();
  return kId.test(id) ? id : undefined;
}
