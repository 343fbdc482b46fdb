// A server that passes on what a node says, but for its lies.
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answer {
  status: number;
  type: string;
  body: Buffer;
}
/** What the liar says in the place of the node's answer to `path`. */
export type Lie = (path: string, answer: Answer) => Answer | Promise<Answer>;

export class Liar {
  lie: Lie = (_, answer) => answer;
  private readonly server: Server;

  constructor(private readonly node: string) {
    this.server = createServer((request, response) => {
      void this.answer(request.url ?? "/").then(
        ({ status, type, body, policy }) => {
          response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": policy, "Cache-Control": "no-store" });
          response.end(body);
        },
        () => response.destroy(),
      );
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(path: string): Promise<Answer & { policy: string }> {
    const said = await fetch(this.node + path);
    const body = Buffer.from(await said.arrayBuffer());
    const type = said.headers.get("content-type") ?? "";
    const policy = said.headers.get("content-security-policy") ?? "default-src 'none'";
    return { policy, ...(await this.lie(path, { status: said.status, type, body })) };
  }
}

/** `bytes` with one bit of the byte at `at` turned. */
export function flip(bytes: Buffer, at: number): Buffer {
  const out = Buffer.from(bytes);
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
}

/** The lie told about paths that hold `part` only. */
export const about =
  (part: string, tell: (answer: Answer) => Answer): Lie =>
  (path, answer) =>
    path.includes(part) ? tell(answer) : answer;

/** A JSON answer, changed. */
export function rewrite<T>(answer: Answer, change: (value: T) => unknown): Answer {
  const value = JSON.parse(answer.body.toString()) as T;
  return { ...answer, body: Buffer.from(JSON.stringify(change(value) ?? value)) };
}
