// `npm run bench`: installs missing packages, builds, measures, prints a table and JSON. Arguments go to
// bench/main.ts: `npm run bench -- --only transformer --steps 20 --threads 2`. `npm run bench:sd` does the
// same for Stable Diffusion, `npm run bench -- jobs` measures how workers share a
// database, `npm run bench -- library` how fast images are found, `npm run bench -- convolutions` the forms
// of a convolution, `npm run bench -- inside` what looking inside costs, and
// `npm run bench -- training --python PATH` a training step beside PyTorch's.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build, fail, install, root, run, tool } from "./prepare.mjs";

install();
build(); // images are drawn by the program that users run
if (run(...tool("typescript/bin/tsc", "-p", "tsconfig.bench.json")) !== 0)
  fail("Building the benchmark failed.");
const [first, ...others] = process.argv.slice(2);
const parts = ["stable-diffusion", "jobs", "library", "convolutions", "inside", "training"];
const isPart = parts.includes(first);
const main = join(root, "out/bench/bench", isPart ? `${first}/main.js` : "main.js");
const args = isPart ? others : process.argv.slice(2);
const { status } = spawnSync(process.execPath, [main, ...args], {
  stdio: "inherit",
  cwd: root,
});
process.exitCode = status ?? 1;
