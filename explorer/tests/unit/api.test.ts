import * as v from "valibot";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, getBytes, getJson } from "../../src/api";
import { Status } from "../../src/shapes";

/** Answers the next requests in turn, and notes what they were asked with. */
function serve(...answers: Response[]): Headers[] {
  const asked: Headers[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    asked.push(new Headers(init.headers));
    const next = answers.shift();
    return next === undefined ? Promise.reject(new TypeError("no network")) : Promise.resolve(next);
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "",
    (error: unknown) => (error instanceof ApiError ? `${error.status} ${error.reason}` : String(error)),
  );

describe("api", () => {
  it("asks again with the ETag, and keeps the answer where nothing changed", async () => {
    const asked = serve(new Response("1", { headers: { ETag: '"a"' } }), new Response(null, { status: 304 }), new Response("2"));
    expect(await getJson("etag", v.number())).toBe(1);
    expect(await getJson("etag", v.number())).toBe(1);
    expect(asked.map((headers) => headers.get("If-None-Match"))).toEqual([null, '"a"']);
    expect(await getJson("etag", v.number())).toBe(2);
  });

  it("says why there is no answer", async () => {
    serve(new Response('{"reason":"PRUNED","detail":"gone"}', { status: 410 }), new Response("<html>", { status: 502 }));
    expect(await reasonOf(getBytes("a"))).toBe("410 PRUNED");
    expect(await reasonOf(getBytes("a"))).toBe("502 ");
    expect(await reasonOf(getBytes("a"))).toBe("0 UNREACHABLE");
  });

  it.each([
    "", "{", "[]", "null", '{"name":1,"version":"","chains":[]}', '{"name":"","version":"","chains":[{"name":"x"}]}',
  ])("takes %j for no status", async (body) => {
    serve(new Response(body));
    expect(await reasonOf(getJson("status", Status))).toBe("200 MALFORMED");
  });

  it("stops reading an answer that has no end", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1 << 20;
        controller.enqueue(new Uint8Array(1 << 20));
      },
    });
    serve(new Response(endless));
    expect(await reasonOf(getBytes("endless"))).toBe("200 TOO_LARGE");
    expect(sent).toBeLessThan(32 << 20);
  });
});
