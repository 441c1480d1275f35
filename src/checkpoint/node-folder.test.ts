import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder } from "./node-folder.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("makeFolder", () => {
  it("makes all folders of a path, and leaves those that exist", async () => {
    await makeFolder(join(folder, "a/b/c"));
    await makeFolder(join(folder, "a/b/c/"));
    await makeFolder(join(folder, "a/b/d"));
    expect((await stat(join(folder, "a/b/c"))).isDirectory()).toBe(true);
    expect((await stat(join(folder, "a/b/d"))).isDirectory()).toBe(true);
  });

  it("lets several callers make the same path at once", async () => {
    for (let round = 0; round < 200; round++) {
      const path = join(folder, `${round}/x/y/z`);
      await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
      expect((await stat(path)).isDirectory()).toBe(true);
    }
  });

  it("follows a link to a folder", async () => {
    await mkdir(join(folder, "real"));
    await symlink("real", join(folder, "link"));
    await makeFolder(join(folder, "link"));
    await makeFolder(join(folder, "link/sub"));
    expect((await stat(join(folder, "real/sub"))).isDirectory()).toBe(true);
  });

  it("names the reason where something is in the way", async () => {
    await writeFile(join(folder, "file"), "");
    await symlink("nowhere", join(folder, "dangling"));
    await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({
      code: "file",
      message: expect.stringMatching(/a part of that path is a file, not a folder/),
    });
    await expect(makeFolder(join(folder, "file/sub"))).rejects.toMatchObject({
      code: "file",
      message: expect.stringMatching(/a file, not a folder/),
    });
    await expect(makeFolder(join(folder, "dangling"))).rejects.toMatchObject({ code: "file" });
    await expect(makeFolder(join(folder, "dangling/sub"))).rejects.toMatchObject({ code: "file" });
  });

  it.runIf(existsSync("/proc/self"))(
    "ends under /proc, where Node's own recursive mkdir does not",
    async () => {
      for (const path of ["/proc/nishiki-nope", "/proc/nishiki-nope/hub/blobs"]) {
        await expect(makeFolder(path)).rejects.toMatchObject({
          code: "file",
          message: expect.stringContaining(
            `Cannot write into ${path}: the system does not allow new folders`,
          ),
        });
      }
    },
  );
});
