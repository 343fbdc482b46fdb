// Reading the node's HTTP API: bounded, typed, and with the last answer kept by its ETag, so that looking again costs
// nothing where nothing has changed. What comes back is the node's word; verify.ts is what checks it.
import * as v from "valibot";

/** Longest wait for an answer. */
const kTimeoutMs = 20_000;
/** Most of an answer that is read: a proof of an epoch-rich chain is the largest, and far below. */
const kMaxBytes = 16 << 20;
/** Answers kept to be asked for again by their ETag. */
const kKept = 64;

/** Why there is no answer. `status` 0: none came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
  ) {
    super(detail);
  }
}

interface Kept {
  etag: string;
  bytes: Uint8Array;
}
const kept = new Map<string, Kept>();

const Problem = v.object({ reason: v.fallback(v.string(), ""), detail: v.fallback(v.string(), "") });

/** Bytes of `path` below the API's root, which lies beside the page. Errors: ApiError. */
export async function getBytes(path: string): Promise<Uint8Array> {
  const known = kept.get(path);
  const headers: Record<string, string> = known ? { "If-None-Match": known.etag } : {};
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(`./api/v1/${path}`, {
      headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(kTimeoutMs),
    });
    bytes = await readBounded(response);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, "UNREACHABLE", error instanceof Error ? error.message : String(error));
  }
  if (response.status === 304 && known) return known.bytes;
  if (!response.ok) throw problem(response.status, bytes);
  keep(path, response.headers.get("ETag"), bytes);
  return bytes;
}

/** The JSON of `path`, in the shape of `schema`. Errors: ApiError, with reason MALFORMED where it has another. */
export async function getJson<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> {
  const bytes = await getBytes(path);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ApiError(200, "MALFORMED", "the answer is no JSON");
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new ApiError(200, "MALFORMED", `${v.getDotPath(issue) ?? "answer"}: ${issue.message}`.slice(0, 200));
}

async function readBounded(response: Response): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > kMaxBytes) {
      await reader.cancel();
      throw new ApiError(response.status, "TOO_LARGE", `the answer is larger than ${kMaxBytes} bytes`);
    }
    chunks.push(value);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function problem(status: number, bytes: Uint8Array): ApiError {
  try {
    const { reason, detail } = v.parse(Problem, JSON.parse(new TextDecoder().decode(bytes)));
    return new ApiError(status, reason, detail.slice(0, 500));
  } catch {
    return new ApiError(status, "", "");
  }
}

function keep(path: string, etag: string | null, bytes: Uint8Array): void {
  kept.delete(path);
  if (etag === null) return;
  kept.set(path, { etag, bytes });
  for (const oldest of kept.keys()) {
    if (kept.size <= kKept) break;
    kept.delete(oldest);
  }
}
