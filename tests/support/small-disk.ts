// A disk of a few kilobytes, to be filled or read-only. Needs the right to mount one.
import { execFile } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/**
 * Runs `use` with a small disk of its own.
 *
 * @param skip Skips the test, with the reason, where this user cannot mount one.
 * @param options As `mount -o` takes them: "size=64k,ro".
 */
export async function withSmallDisk(
  skip: (reason: string) => void,
  options: string,
  use: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), "nishiki-disk-"));
  try {
    await execute("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]);
  } catch {
    await rmdir(disk);
    return skip("needs the right to mount a small disk");
  }
  try {
    await use(disk);
  } finally {
    await execute("umount", [disk]);
    await rmdir(disk);
  }
}
