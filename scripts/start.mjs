// `npm start -- "a prompt"` on a fresh clone: installs missing packages, builds outdated files, generates.
// Plain JavaScript without dependencies, because it runs before any are installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build, install, root } from "./prepare.mjs";

install();
build();
const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
  // npm changes to the package's folder; images belong where the user typed the command.
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
// Ctrl-C reaches the child directly; this process waits until the child has saved finished images.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
const [code, signal] = await once(child, "exit");
process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
