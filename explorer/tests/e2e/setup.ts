// Before all tests: a network of real nodes, and the records that the tests look at. TALENTD names the program.
import type { GlobalSetupContext } from "vitest/node";
import { Network, type World, published, tellOwn } from "../support/world";

declare module "vitest" {
  interface ProvidedContext {
    world: World;
  }
}

export default async function setup({ provide }: GlobalSetupContext): Promise<() => Promise<void>> {
  const network = new Network(process.env.TALENTD ?? "talentd");
  try {
    await network.start();
    const [correction, own] = await Promise.all([network.mainStory(), tellOwn(network)]);
    await published(network, own.erased, ({ status }) => status === "ERASED");
    const answer = await fetch(`${network.url}/api/v1/chains/public/records/${correction}`);
    const { supersedes } = (await answer.json()) as { supersedes: string };
    provide("world", { ...own, url: network.url, correction, original: supersedes });
  } catch (error) {
    await network.end();
    throw error;
  }
  return () => network.end();
}
