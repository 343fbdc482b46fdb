import { mergeConfig } from "vitest/config";
import base from "../../vite.config";

export default mergeConfig(base, {
  test: {
    dir: __dirname,
    globalSetup: [`${__dirname}/setup.ts`],
    // The files share the network, and each has a browser of its own.
    poolOptions: { forks: { maxForks: 2 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
