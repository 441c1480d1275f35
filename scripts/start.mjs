// `npm start -- "a prompt"` on a fresh clone: installs what is missing, builds what is older than its source,
// draws. Plain JavaScript without dependencies, because it runs before there are any.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build, install, root } from "./prepare.mjs";

install();
build();
const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
  // npm changes into the package's folder; pictures belong where the command was typed.
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
// Ctrl-C reaches the child by itself; this process waits until it has kept what is finished.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
const [code, signal] = await once(child, "exit");
process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
