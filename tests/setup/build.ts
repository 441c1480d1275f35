// Builds dist before the tests: those of the command line and of the package run what is built.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Types are checked by their own command; here only a missing build is fatal. */
export default function build(): void {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const { stdout, error } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8",
  });
  if (error) throw error;
  if (!existsSync(join(root, "dist/engine/node-worker.js"))) throw new Error(`The build failed:\n${stdout}`);
  if (stdout.trim()) console.warn(stdout);
}
