// Where the devnet is (./scripts/devnet), and its parties' keys. Yours come from your centre and from `talentd keys`.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { type Chain, Network, readKeyFile } from "talentchain";

const here = path.dirname(fileURLToPath(import.meta.url));
const endpoints = process.env["TALENT_ENDPOINTS"] ?? path.join(here, "../../../.devnet/endpoints.json");
const home = path.dirname(endpoints);

export const network = await Network.load(endpoints);

/** A chain on one of the nodes, with a party of the devnet logged in. */
export async function session(node: string, chain: string, party: string): Promise<Chain> {
  const folder = party.startsWith("centre") ? `nodes/${party}/keys/party.key` : `enterprises/${party}.key`;
  const passphrase = (await readFile(path.join(home, "passphrase"), "utf8")).trim();
  const client = await network.connect(node);
  const session = await client.chain(chain);
  await session.login(await readKeyFile(path.join(home, folder), passphrase));
  return session;
}

/** The record id on the command line. */
export function recordArgument(): string {
  const [id] = process.argv.slice(2);
  if (id !== undefined) return id;
  console.error("give a record id");
  process.exit(2);
}
