// Builds the explorer into dist/, and makes the messages' descriptors from proto/ on the way, so that they cannot differ.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const proto = join(here, "../proto");
const kModule = "virtual:descriptors";

/** `import bytes from "virtual:descriptors"`: base64 of the FileDescriptorSet of what records can hold. */
function descriptors(): Plugin {
  return {
    name: "descriptors",
    resolveId: (id) => (id === kModule ? `\0${kModule}` : null),
    load(id) {
      if (id !== `\0${kModule}`) return null;
      const dir = mkdtempSync(join(tmpdir(), "descriptors-"));
      try {
        const files = readdirSync(join(proto, "talent/tiers/v1")).filter((name) => name !== "outbox.proto");
        const out = join(dir, "set");
        execFileSync("protoc", [
          `--proto_path=${proto}`,
          "--include_imports",
          `--descriptor_set_out=${out}`,
          ...files.sort().map((name) => `talent/tiers/v1/${name}`),
        ]);
        return `export default ${JSON.stringify(readFileSync(out).toString("base64"))};`;
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
  };
}

export default defineConfig({
  root: here,
  base: "./",
  plugins: [descriptors()],
  resolve: {
    // The verifier's source, so that nothing has to be built first; what it needs comes from here.
    alias: { "talentchain/verify": join(here, "../sdk/typescript/src/verify/index.ts") },
    dedupe: ["@noble/ed25519", "@noble/hashes"],
  },
  // The chain's id in hexadecimal, which the page then trusts instead of what it saw first.
  define: { __GENESIS_PIN__: JSON.stringify(process.env.TALENT_GENESIS_PIN ?? "") },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // Data addresses are for images only under the page's policy; nothing is inlined.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
