// What is shown while something loads, and when it does not come.
import type { ComponentChildren, JSX } from "preact";
import { ApiError } from "../api";
import { isAbsent } from "../check";
import { type Loaded, useText } from "../context";
import { Foreign } from "./basics";

/** The value once it is there; else that it loads, or why it does not come. */
export function Await<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }): JSX.Element {
  const t = useText();
  if (of.value !== undefined) return <>{children(of.value)}</>;
  if (of.error !== undefined) return <Problem error={of.error} again={of.again} />;
  return <p role="status">{t.loading}</p>;
}

export function Problem({ error, again }: { error: unknown; again: () => void }): JSX.Element {
  const t = useText();
  return (
    <div class="notice warn" role="alert">
      {isAbsent(error) ? (
        <p>
          <strong>{t.notFound}</strong> {t.notFoundHint}
        </p>
      ) : (
        <Reason error={error} />
      )}
      <button type="button" onClick={again}>
        {t.again}
      </button>
    </div>
  );
}

function Reason({ error }: { error: unknown }): JSX.Element {
  const t = useText();
  if (error instanceof ApiError && error.status === 429) return <p>{t.rateLimited}</p>;
  if (error instanceof ApiError && error.status === 410) return <p>{t.gone}</p>;
  const unreachable = error instanceof ApiError && error.status === 0;
  const text = error instanceof ApiError ? `${error.reason} ${error.message}` : String(error);
  return (
    <p>
      {unreachable ? t.unreachable : t.failed} <Foreign text={text} />
    </p>
  );
}
