// `npm run bench`: installs what is missing, builds, measures, prints a table and JSON. Arguments go to
// bench/main.ts: `npm run bench -- --only transformer --steps 20 --threads 2`. `npm run bench:sd` does the
// same for Stable Diffusion.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build, fail, install, root, run, tool } from "./prepare.mjs";

install();
build(); // pictures are drawn by what a user runs
if (run(...tool("typescript/bin/tsc", "-p", "tsconfig.bench.json")) !== 0)
  fail("Building the benchmark failed.");
const [first, ...others] = process.argv.slice(2);
const isStableDiffusion = first === "stable-diffusion";
const main = join(root, "out/bench/bench", isStableDiffusion ? "stable-diffusion/main.js" : "main.js");
const given = isStableDiffusion ? others : process.argv.slice(2);
const { status } = spawnSync(process.execPath, [main, ...given], {
  stdio: "inherit",
  cwd: root,
});
process.exitCode = status ?? 1;
