#!/usr/bin/env node
// Where the program begins: nothing but arguments and exit code.
import { findNodeProblem } from "./node-version.js";

const problem = findNodeProblem(process.versions.node);
if (problem === undefined) {
  const [{ runCommandLine }, { watchOutput }] = await Promise.all([
    import("./run.js"),
    import("./terminal.js"),
  ]);
  watchOutput();
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
