// `npm run bench`: installs what is missing, builds, measures, prints a table and JSON. Arguments go to bench/main.ts:
// `npm run bench -- --only transformer --steps 20 --threads 2`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build, fail, install, root, run, tool } from "./prepare.mjs";

install();
build(); // pictures are drawn by what a user runs
if (run(...tool("typescript/bin/tsc", "-p", "tsconfig.bench.json")) !== 0)
  fail("Building the benchmark failed.");
const main = join(root, "out/bench/bench/main.js");
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: root,
});
process.exitCode = status ?? 1;
