// Builds dist/. npm runs it when the package is installed from a directory, whose own dependencies it does not install.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });

if (!existsSync(path.join(root, "node_modules", "typescript"))) run("npm", "ci", "--ignore-scripts");
rmSync(path.join(root, "dist"), { recursive: true, force: true });
run(process.execPath, "node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
