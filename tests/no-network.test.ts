// Drawing never looks anything up: watched from outside, the process opens no socket.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, open, readdir, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";

vi.setConfig({ testTimeout: 300_000 });

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** The sockets among a process's open files, looked at until it ends. */
async function watchSockets({ pid, exitCode }: ChildProcess, isOver: () => boolean) {
  const sockets = new Set<string>();
  while (!isOver() && exitCode === null) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(
      descriptors.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")),
    );
    for (const link of links) if (link.startsWith("socket:")) sockets.add(link);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { sockets: [...sockets] };
}

/** Runs a script with its output in a file: a pipe to it would be a socket of ours. */
async function run(folder: string, args: readonly string[]) {
  const output = await open(join(folder, "output"), "w");
  const child = spawn(process.execPath, args, { stdio: ["ignore", output.fd, output.fd], cwd: folder });
  let code: number | null | undefined;
  child.once("exit", (status) => {
    code = status;
  });
  const seen = await watchSockets(child, () => code !== undefined);
  await output.close();
  return { ...seen, code };
}

it.skipIf(process.platform !== "linux")("opens no socket while it draws", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-sockets-"));
  try {
    const drawn = await run(folder, [main, "a blue cat", "-o", "cat.png"]);
    expect(drawn).toMatchObject({ code: 0, sockets: [] });
    expect((await stat(join(folder, "cat.png"))).size).toBeGreaterThan(1000);
    // The watch would have seen one.
    const listens =
      "require('node:net').createServer().listen(0, '127.0.0.1'); setTimeout(() => process.exit(), 500)";
    expect((await run(folder, ["-e", listens])).sockets.length).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
