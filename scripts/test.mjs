// `npm test` on a fresh clone: installs missing packages, then runs lint, build, types and all tests.
// Arguments go to Vitest: `npm test -- src/pipeline`.
import { build, fail, install, run, tool } from "./prepare.mjs";

const started = performance.now();
install();

const steps = [
  ["lint and format", tool("@biomejs/biome/bin/biome", "check", ".")],
  // Before the types: the examples import the built package, as a user's program does.
  ["build", build],
  ["types", tool("typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit")],
  ["types of the page", tool("typescript/bin/tsc", "-p", "web/tsconfig.json")],
  ["tests", tool("vitest/vitest.mjs", "run", ...process.argv.slice(2))],
];

for (const [name, step] of steps) {
  const since = performance.now();
  process.stderr.write(`\n— ${name}\n`);
  if (typeof step === "function") step();
  else if (run(...step) !== 0) fail(`\nFailed: ${name}.`);
  process.stderr.write(`  ${seconds(since)} s\n`);
}
process.stderr.write(`\nAll passed: ${steps.map(([name]) => name).join(", ")} in ${seconds(started)} s.\n`);

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}
