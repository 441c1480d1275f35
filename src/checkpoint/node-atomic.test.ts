import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { removeAbandoned, writeAtomically, writeFileAtomic } from "./node-atomic.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-atomic-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function failure(promise: Promise<unknown>): Promise<NishikiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe("writeFileAtomic", () => {
  it("writes and replaces, and leaves nothing beside the file", async () => {
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, "first");
    await writeFileAtomic(path, new TextEncoder().encode("second"));
    expect(await readFile(path, "utf8")).toBe("second");
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  it("writes only the part that a view shows", async () => {
    const path = join(folder, "view");
    await writeFileAtomic(path, new Uint16Array([1, 2, 3, 4]).subarray(1, 3));
    expect([...(await readFile(path))]).toEqual([2, 0, 3, 0]);
  });

  it("does not replace a file when asked not to, even one that appears meanwhile", async () => {
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, "mine", { overwrite: false });
    const early = await failure(writeFileAtomic(path, "yours", { overwrite: false }));
    expect([early.code, early.message]).toEqual(["file", expect.stringMatching(/a\.txt is already there/)]);
    const late = join(folder, "b.txt");
    const racing = writeAtomically(
      late,
      async (file) => {
        await file.write(new Uint8Array(3));
        await writeFile(late, "theirs");
      },
      { overwrite: false },
    );
    expect((await failure(racing)).message).toMatch(/b\.txt is already there/);
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(await readFile(late, "utf8")).toBe("theirs");
    expect((await readdir(folder)).sort()).toEqual(["a.txt", "b.txt"]);
  });

  it("follows a link instead of replacing it", async () => {
    await writeFileAtomic(join(folder, "real"), "old");
    await symlink("real", join(folder, "link"));
    await writeFileAtomic(join(folder, "link"), "new");
    expect(await readFile(join(folder, "real"), "utf8")).toBe("new");
  });

  it("refuses folders, devices and places that do not exist", async () => {
    await mkdir(join(folder, "sub"));
    expect((await failure(writeFileAtomic(join(folder, "sub"), "x"))).message).toMatch(/sub: it is a folder/);
    expect((await failure(writeFileAtomic(join(folder, "no/file"), "x"))).message).toMatch(
      /no such file or folder/,
    );
    await writeFile(join(folder, "plain"), "");
    expect((await failure(writeFileAtomic(join(folder, "plain/file"), "x"))).message).toMatch(/not a folder/);
    if (existsSync("/dev/null")) {
      expect((await failure(writeFileAtomic("/dev/null", "x"))).message).toMatch(/not a regular file/);
    }
  });
});

describe("a write that fails", () => {
  it("keeps the old file and removes the unfinished one", async () => {
    const path = join(folder, "a.txt");
    await writeFileAtomic(path, "old");
    const failing = writeAtomically(path, async (file) => {
      await file.write(new Uint8Array(100));
      throw new RangeError("stop here");
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  // /dev/full gives the error of a full disk for real.
  it.skipIf(!existsSync("/dev/full"))("says that the disk is full", async () => {
    const path = join(folder, "a.txt");
    const error = await failure(
      writeAtomically(path, async (file) => {
        await file.write(new Uint8Array(100));
        const full = await open("/dev/full", "w");
        await full.write(new Uint8Array(100)).finally(() => full.close());
      }),
    );
    expect(error.code).toBe("file");
    expect(error.message).toMatch(
      /Cannot write .*a\.txt: the disk is full \(after 100 bytes; \d+ MiB are free there now\)/,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("removeAbandoned", () => {
  it("removes what killed processes left, and nothing else", async () => {
    const names = [
      ".a.safetensors.4194999-0.tmp",
      `.a.safetensors.${process.pid}-0.tmp`,
      "b.tmp",
      ".c.12-3.tmpx",
    ];
    for (const name of names) await writeFile(join(folder, name), "");
    expect(await removeAbandoned(folder)).toEqual([names[0]]);
    expect((await readdir(folder)).sort()).toEqual(names.slice(1).sort());
  });
});
