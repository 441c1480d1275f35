// Builds dist before the tests: those of the command line and of the package run what is built.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

function run(script: string, ...args: readonly string[]): string {
  const { stdout, error } = spawnSync(process.execPath, [script, ...args], { cwd: root, encoding: "utf8" });
  if (error) throw error;
  return stdout;
}

/** Types are checked by their own command; here only a missing build is fatal. */
export default function build(): void {
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const faults = run(join(typescript, "bin/tsc"), "-p", "tsconfig.build.json");
  if (!existsSync(join(root, "dist/engine/node-worker.js"))) throw new Error(`The build failed:\n${faults}`);
  if (faults.trim()) console.warn(faults);
  run("scripts/bundle.mjs");
}
