#!/usr/bin/env node
// Where the program begins: nothing but arguments and exit code.
import { endQuietlyWhenUnread } from "./report.js";
import { runCommandLine } from "./run.js";

endQuietlyWhenUnread();
process.exitCode = await runCommandLine(process.argv.slice(2));
