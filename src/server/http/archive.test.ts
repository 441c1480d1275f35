import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { getSlug, makeArchive } from "./archive.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const created = "2026-11-28T20:00:00.000Z";

async function read(entries: Parameters<typeof makeArchive>[0]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of makeArchive(entries)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("makeArchive", () => {
  it("holds the files, reads one at a time, and leaves out what has vanished", async () => {
    let open = 0;
    const entry = (name: string, text?: string) => ({
      name,
      created,
      async read() {
        expect(++open).toBe(1);
        await Promise.resolve();
        open--;
        return text === undefined ? undefined : bytes(text);
      },
    });
    const zip = await read([entry("a.png", "first"), entry("gone.png"), entry("b.png", "second")]);
    expect(unzipSync(zip)).toEqual({ "a.png": bytes("first"), "b.png": bytes("second") });
  });

  it("is the same for the same images, and knows no years before 1980", async () => {
    const entry = { name: "a.png", created: "1970-01-01T00:00:00.000Z", read: async () => bytes("x") };
    expect(await read([entry])).toEqual(await read([entry]));
    expect(unzipSync(await read([]))).toEqual({});
  });

  it("fails with what reading throws", async () => {
    const entry = { name: "a.png", created, read: () => Promise.reject(new Error("no file")) };
    await expect(read([entry])).rejects.toThrow("no file");
  });
});

describe("getSlug", () => {
  it.each([
    ["A blue cat, naïve!", "a-blue-cat-naive"],
    ["../../etc/passwd\0", "etc-passwd"],
    ['"; rm -rf /\r\nSet-Cookie: x', "rm-rf-set-cookie-x"],
    ["猫 🐈", "image"],
    ["", "image"],
    [`${"x".repeat(59)} y`, "x".repeat(59)],
  ])("%j becomes %s", (prompt, slug) => {
    expect(getSlug(prompt)).toBe(slug);
  });
});
