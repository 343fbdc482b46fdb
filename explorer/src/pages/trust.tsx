// What everything is checked against, and how to compare it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Trust, forgetTrust, trustOf } from "../check";
import { useLive, useLoad, useText } from "../context";
import { browserStore, forgetPin, holds } from "../pin";
import { Badge, Foreign, Hex, Pair, Pairs } from "../parts/basics";
import { Await } from "../parts/feedback";

export function TrustPage(): JSX.Element {
  const t = useText();
  const { status } = useLive();
  const chains = status?.chains.filter(({ readable }) => readable) ?? [];
  return (
    <>
      <h1>{t.trust}</h1>
      <p>{t.trustIntro}</p>
      <p>{t.trustLimits}</p>
      {status === undefined && <p role="status">{t.loading}</p>}
      {chains.map(({ name }) => (
        <ChainTrust key={name} chain={name} />
      ))}
    </>
  );
}

function ChainTrust({ chain }: { chain: string }): JSX.Element {
  const loaded = useLoad(() => trustOf(chain), chain);
  const forget = (trust: Trust): void => {
    forgetPin(chain, trust.pin.id, browserStore());
    forgetTrust(chain);
    loaded.again();
  };
  return (
    <section>
      <h2>
        <Foreign text={chain} />
      </h2>
      <Await of={loaded}>{(trust) => <PinFacts trust={trust} forget={() => forget(trust)} />}</Await>
    </section>
  );
}

function PinFacts({ trust, forget }: { trust: Trust; forget: () => void }): JSX.Element {
  const t = useText();
  const { pin } = trust;
  const why = { first: t.pinFirst, stored: t.pinStored, link: t.pinLink, build: t.pinBuild }[pin.source];
  const link = new URL(location.href);
  link.hash = "#/";
  link.searchParams.set("pin", pin.id);
  return (
    <>
      <p>
        <Badge tone={holds(pin) ? "good" : "bad"}>{holds(pin) ? t.pinGood : t.pinBad}</Badge>
      </p>
      {!holds(pin) && <p class="notice bad">{t.pinBadHint}</p>}
      <Pairs>
        <Pair name={t.pin}>
          <Hex id={pin.id} full /> <CopyButton text={pin.id} />
        </Pair>
        {!holds(pin) && (
          <Pair name={t.pinGiven}>
            <Hex id={pin.given === "" ? "–" : pin.given} full />
          </Pair>
        )}
        {pin.other !== undefined && (
          <Pair name={t.pinOther}>
            <Hex id={pin.other} full />
          </Pair>
        )}
        <Pair name={t.shareLink}>
          <a href={link.href}>
            <bdi class="foreign">{link.href}</bdi>
          </a>
        </Pair>
      </Pairs>
      <p>{why}</p>
      <p>
        <button type="button" onClick={forget}>
          {t.forget}
        </button>{" "}
        <span class="hint">{t.forgetHint}</span>
      </p>
    </>
  );
}

function CopyButton({ text }: { text: string }): JSX.Element | null {
  const t = useText();
  const [done, setDone] = useState(false);
  // Absent in a page that came over plain HTTP from another machine.
  if (!("clipboard" in navigator)) return null;
  return (
    <button type="button" class="small" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}>
      {done ? t.copied : t.copy}
    </button>
  );
}
