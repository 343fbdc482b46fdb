// What every page has: the language, and where the node stands, asked again every few seconds.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "./api";
import { Status } from "./shapes";
import { type Text, textOfLanguage } from "./text";
import type { Language } from "./words";

/** How often the node is asked where it stands, while the page is looked at. An answer that has not changed costs a header. */
const kPollMs = 4000;

export interface Live {
  status?: Status;
  error?: unknown;
}

export const LanguageContext = createContext<Language>("en");
export const LiveContext = createContext<Live>({});

export const useLanguage = (): Language => useContext(LanguageContext);
export const useText = (): Text => textOfLanguage(useContext(LanguageContext));
export const useLive = (): Live => useContext(LiveContext);

/** The height that the node says a chain has; 0 where it is not known. */
export function useHeight(chain: string): number {
  const { status } = useLive();
  return status?.chains.find(({ name, id }) => name === chain || id === chain)?.height ?? 0;
}

/** Asks the node for its status every few seconds while the page is visible. */
export function usePolledStatus(): Live {
  const [live, setLive] = useState<Live>({});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      if (!document.hidden) {
        try {
          const status = await getJson("status", Status);
          if (!ended) setLive((last) => (sameStatus(last, status) ? last : { status }));
        } catch (error) {
          if (!ended) setLive((last) => ({ ...last, error }));
        }
      }
      if (!ended) timer = setTimeout(() => void ask(), kPollMs);
    };
    const look = (): void => {
      if (!document.hidden) void ask();
    };
    document.addEventListener("visibilitychange", look);
    void ask();
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return live;
}

const sameStatus = (last: Live, status: Status): boolean =>
  last.error === undefined && JSON.stringify(last.status) === JSON.stringify(status);

export interface Loaded<T> {
  value?: T;
  error?: unknown;
  loading: boolean;
  again: () => void;
}

/** What `load` gives for `key`. A change of `refresh` loads again and keeps what is shown until then; a change of `key` does not. */
export function useLoad<T>(load: () => Promise<T>, key: string, refresh: unknown = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key: "" });
  const [attempt, setAttempt] = useState(0);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    load().then(
      (value) => turn.current === mine && setState({ key, value }),
      (error: unknown) => turn.current === mine && setState({ key, error }),
    );
  }, [key, refresh, attempt]);
  const again = useCallback(() => {
    setState({ key: "" });
    setAttempt((n) => n + 1);
  }, []);
  if (state.key !== key) return { loading: true, again };
  const { value, error } = state;
  return { loading: false, again, ...(value !== undefined && { value }), ...(error !== undefined && { error }) };
}
