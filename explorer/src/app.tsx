// The frame of every page: where one is, the language, the search, and what is trusted.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { LanguageContext, LiveContext, useHeight, useLive, useLoad, usePolledStatus, useText } from "./context";
import { trustOf } from "./check";
import { browserStore, holds } from "./pin";
import { type Route, href, parseRoute } from "./route";
import { find } from "./search";
import { chooseLanguage, textOfLanguage } from "./text";
import type { Language } from "./words";
import { Badge, Foreign, Go, Hex } from "./parts/basics";
import { Problem } from "./parts/feedback";
import { CentrePage } from "./pages/centre";
import { BlockPageView, TransactionPage } from "./pages/chain";
import { BlocksPage, RecordsPage } from "./pages/lists";
import { OverviewPage } from "./pages/overview";
import { RecordPage } from "./pages/record";
import { TrustPage } from "./pages/trust";

const kLanguage = "talentchain.language";

export function App(): JSX.Element {
  const [language, setLanguage] = useChosenLanguage();
  const route = useRoute();
  const live = usePolledStatus();
  return (
    <LanguageContext.Provider value={language}>
      <LiveContext.Provider value={live}>
        <Frame route={route} language={language} setLanguage={setLanguage} />
      </LiveContext.Provider>
    </LanguageContext.Provider>
  );
}

function Frame({ route, language, setLanguage }: {
  route: Route;
  language: Language;
  setLanguage: (language: Language) => void;
}): JSX.Element {
  const t = useText();
  const main = useRef<HTMLElement>(null);
  const { status } = useLive();
  const chain = "chain" in route ? route.chain : (status?.chains.find(({ readable }) => readable)?.name ?? "");
  const place = href(route);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${titleOf(route, language)} · ${t.title}`;
    // A new page begins at its top, for the eye and for the keyboard; not when the first one is opened.
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [place]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        {t.skip}
      </a>
      <header>
        <div class="bar-top">
          <Go to={{ page: "overview" }} class="brand">
            {t.title}
          </Go>
          <nav aria-label={t.navigation}>
            <Go to={{ page: "overview" }}>{t.overview}</Go>
            {chain !== "" && <Go to={{ page: "records", chain, query: {} }}>{t.records}</Go>}
            {chain !== "" && <Go to={{ page: "blocks", chain }}>{t.blocks}</Go>}
            <Go to={{ page: "trust" }}>{t.trust}</Go>
          </nav>
          <Languages language={language} setLanguage={setLanguage} />
        </div>
        {chain !== "" && <Search chain={chain} />}
        {chain !== "" && <Standing chain={chain} />}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Page key={place} route={route} />
      </main>
    </>
  );
}

function Page({ route }: { route: Route }): JSX.Element {
  const t = useText();
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "trust":
      return <TrustPage />;
    case "records":
      return <RecordsPage chain={route.chain} query={route.query} />;
    case "record":
      return <RecordPage chain={route.chain} id={route.id} />;
    case "blocks":
      return <BlocksPage chain={route.chain} from={route.from} />;
    case "block":
      return <BlockPageView chain={route.chain} height={route.height} />;
    case "transaction":
      return <TransactionPage chain={route.chain} id={route.id} />;
    case "centre":
      return <CentrePage chain={route.chain} centre={route.centre} />;
    case "nowhere":
      return (
        <>
          <h1>{t.nowhere}</h1>
          <Go to={{ page: "overview" }}>{t.home}</Go>
        </>
      );
  }
}

function Languages({ language, setLanguage }: { language: Language; setLanguage: (language: Language) => void }): JSX.Element {
  const t = useText();
  return (
    <div class="languages" role="group" aria-label={t.language}>
      {(["zh", "en"] as const).map((choice) => (
        <button
          key={choice}
          type="button"
          lang={choice === "zh" ? "zh-Hans" : "en"}
          aria-pressed={choice === language}
          onClick={() => setLanguage(choice)}
        >
          {choice === "zh" ? "中文" : "English"}
        </button>
      ))}
    </div>
  );
}

function Search({ chain }: { chain: string }): JSX.Element {
  const t = useText();
  const [state, setState] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const search = async (text: string): Promise<void> => {
    setState({ busy: true });
    try {
      location.hash = href(await find(text, chain));
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void search(String(new FormData(event.currentTarget as HTMLFormElement).get("text") ?? ""));
  };
  return (
    <search>
      <form class="search" onSubmit={submit}>
        <label for="search">{t.searchLabel}</label>
        <input id="search" name="text" type="search" maxLength={200} placeholder={t.searchHint} autocomplete="off" spellcheck={false} dir="auto" />
        <button type="submit">{state.busy ? t.searching : t.search}</button>
      </form>
      {state.error !== undefined && <Problem error={state.error} again={() => setState({ busy: false })} />}
    </search>
  );
}

/** Whether the node answers, and whether its chain is the pinned one: on every page. */
function Standing({ chain }: { chain: string }): JSX.Element {
  const t = useText();
  const { status, error } = useLive();
  const height = useHeight(chain);
  const { value: trust } = useLoad(() => trustOf(chain), chain, status === undefined);
  return (
    <p class="strip">
      <span>
        <Foreign text={chain} /> · {t.height} <span data-live-height={height}>{height}</span>
      </span>
      {error === undefined ? <Badge tone="good">{t.live}</Badge> : <Badge tone="warn">{t.offline}</Badge>}
      {trust && (
        <a href={href({ page: "trust" })} class="pin" data-pin={holds(trust.pin) ? "good" : "bad"}>
          <Badge tone={holds(trust.pin) ? "good" : "bad"}>{holds(trust.pin) ? t.pin : t.pinBad}</Badge> <Hex id={trust.pin.id} />
        </a>
      )}
    </p>
  );
}

function titleOf(route: Route, language: Language): string {
  const t = textOfLanguage(language);
  switch (route.page) {
    case "record":
      return `${t.record} ${route.id.slice(0, 10)}`;
    case "transaction":
      return `${t.transaction} ${route.id.slice(0, 10)}`;
    case "block":
      return `${t.block} ${route.height}`;
    case "centre":
      return route.centre;
    case "overview":
    case "trust":
    case "records":
    case "blocks":
      return t[route.page];
    case "nowhere":
      return t.nowhere;
  }
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function useChosenLanguage(): [Language, (language: Language) => void] {
  const store = browserStore();
  const [language, setLanguage] = useState(() =>
    chooseLanguage(new URLSearchParams(location.search).get("lang"), store.getItem(kLanguage), navigator.languages),
  );
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  }, [language]);
  const choose = (wanted: Language): void => {
    store.setItem(kLanguage, wanted);
    const url = new URL(location.href);
    url.searchParams.delete("lang");
    history.replaceState(null, "", url);
    setLanguage(wanted);
  };
  return [language, choose];
}
