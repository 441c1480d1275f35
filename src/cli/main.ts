#!/usr/bin/env node
// Where the program begins: nothing but arguments and exit code.
import * as module from "node:module";
import { findProgram } from "./find-program.js";
import { findNodeProblem } from "./node-version.js";

const problem = findNodeProblem(process.versions.node);
if (problem === undefined) {
  keepCompiled();
  const folder = findProgram(new URL("../", import.meta.url));
  const load = (name: string) => import(new URL(name, folder).href);
  const [run, terminal]: [typeof import("./run.js"), typeof import("./terminal.js")] = await Promise.all([
    load("run.js"),
    load("terminal.js"),
  ]);
  terminal.watchOutput();
  process.exitCode = await run.runCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

/** Newer versions of Node keep compiled modules in a folder for temporary files, so that the next start is quicker. */
function keepCompiled(): void {
  (module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
}
