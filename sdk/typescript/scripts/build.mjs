// Builds dist/. npm runs it when the package is installed from a directory, whose own dependencies it does not install.
// Needs protoc (Debian: protobuf-compiler); TALENT_REPOSITORY says where proto/ is, if not two directories up.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const proto = path.join(process.env.TALENT_REPOSITORY ?? path.join(root, "..", ".."), "proto");
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });

/** The messages that clients see; not those of consensus, storage and p2p. */
function messages() {
  const inside = (folder, wanted = () => true) =>
    readdirSync(path.join(proto, folder)).filter(wanted).map((name) => path.join(folder, name));
  return [
    ...inside("talent/ledger/v1", (name) => name === "ledger.proto" || name === "erasure.proto"),
    ...inside("talent/node/v1", (name) => name !== "p2p.proto"),
    ...inside("talent/tiers/v1"),
  ];
}

function generate() {
  const out = path.join(root, "src", "gen");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  try {
    run("protoc", `--proto_path=${proto}`, "--plugin=node_modules/.bin/protoc-gen-es", "--es_out=src/gen",
      "--es_opt=target=ts,import_extension=js", ...messages());
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    console.error("build: protoc is missing; install it (Debian: apt install protobuf-compiler)");
    process.exit(2);
  }
}

if (!existsSync(path.join(root, "node_modules", "typescript"))) run("npm", "ci", "--ignore-scripts");
generate();
rmSync(path.join(root, "dist"), { recursive: true, force: true });
run(process.execPath, "node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
