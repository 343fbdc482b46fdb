import { mergeConfig } from "vitest/config";
import base from "../../vite.config";

export default mergeConfig(base, {
  test: {
    dir: __dirname,
    globalSetup: [`${__dirname}/setup.ts`],
    // The files share the network, and each has a browser of its own.
    poolOptions: { forks: { maxForks: 2 } },
    // A machine's first start of Chromium reads hundreds of MB.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
