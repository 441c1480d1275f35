// What is found in folders of the wild: other encodings, links, lists from Windows.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFolder } from "./index.js";

let folder: string;
let png: Buffer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-faults-"));
  png = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#123456" } })
    .png()
    .toBuffer();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = (name: string, content: Uint8Array | string = png) => writeFile(join(folder, name), content);
const open = () => openFolder(folder, { size: 8 });

function utf16(text: string, isLittle: boolean): Buffer {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return isLittle ? bytes : bytes.swap16();
}

describe("captions in other encodings", () => {
  it("are decoded where a byte order mark says how", async () => {
    await put("a.png");
    await put("a.txt", utf16("猫 on a mat", true));
    await put("b.png");
    await put("b.txt", utf16("猫 on a mat", false));
    await put("c.png");
    await put("c.txt", "\ufeff猫 on a mat\r\n");
    const { entries, problems } = await open();
    expect(entries.map(({ caption }) => caption)).toEqual(Array(3).fill("猫 on a mat"));
    expect(problems).toEqual([]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["Shift JIS", Buffer.from([0x94, 0x4c, 0x20, 0x8e, 0xa8]), /is not UTF-8 text: save it as UTF-8$/],
    ["Latin-1", Buffer.from("café", "latin1"), /is not UTF-8 text: save it as UTF-8$/],
    ["UTF-16 without a mark", Buffer.from("a cat", "utf16le"), /holds NUL characters: save it as UTF-8$/],
    ["UTF-16 cut in half", utf16("a cat", true).subarray(0, 7), /is not UTF-16LE text: save it as UTF-8$/],
    ["letters lost before", Buffer.from("caf\ufffd"), /that an earlier conversion destroyed/],
  ])("are left out with a reason: %s", async (_name, bytes, reason) => {
    await put("a.png");
    await put("a.txt", bytes);
    const { entries, problems } = await open();
    expect(entries).toEqual([]);
    expect(problems).toEqual([{ file: "a.png", reason: expect.stringMatching(reason) }]);
  });

  it.each<[string, (text: string) => Uint8Array | string]>([
    ["with a mark", (text) => `\ufeff${text}`],
    ["in UTF-16", (text) => utf16(text, true)],
  ])("a list %s and CRLF keeps its first row", async (_name, encode) => {
    await put("a.png");
    await put("b.png");
    const rows = ['{"file_name": "a.png", "text": "first"}', '{"file_name": "b.png", "text": "second"}', ""];
    await put("metadata.jsonl", encode(rows.join("\r\n")));
    const { entries, problems } = await open();
    expect(entries.map(({ caption }) => caption)).toEqual(["first", "second"]);
    expect(problems).toEqual([]);
  });

  it("a list in another encoding is told", async () => {
    await put("a.png");
    await put("metadata.jsonl", Buffer.from('{"file_name": "a.png", "text": "café"}', "latin1"));
    const { problems } = await open();
    expect(problems[0]).toEqual({ file: "metadata.jsonl", reason: "is not UTF-8 text: save it as UTF-8" });
  });
});

describe("links", () => {
  it("to files and folders are used", async () => {
    const cache = await mkdtemp(join(tmpdir(), "nishiki-blobs-"));
    await writeFile(join(cache, "blob"), png);
    await writeFile(join(cache, "inside.png"), png);
    await writeFile(join(cache, "inside.txt"), "inside");
    await put("caption", "a link");
    await symlink(join(cache, "blob"), join(folder, "a.png"));
    await symlink(join(folder, "caption"), join(folder, "a.txt"));
    await symlink(cache, join(folder, "more"));
    const { entries, problems } = await open();
    expect(entries).toEqual([
      { file: "a.png", caption: "a link" },
      { file: join("more", "inside.png"), caption: "inside" },
    ]);
    expect(problems).toEqual([]);
    await rm(cache, { recursive: true });
  });

  it("to nothing, or round and round, are listed", async () => {
    await put("a.png");
    await put("a.txt", "a cat");
    await symlink("gone.png", join(folder, "b.png"));
    await mkdir(join(folder, "sub"));
    await symlink("..", join(folder, "sub", "up"));
    await symlink("self", join(folder, "self"));
    const { entries, problems } = await open();
    expect(entries).toEqual([{ file: "a.png", caption: "a cat" }]);
    expect(problems.map(({ file, reason }) => `${file}: ${reason}`).sort()).toEqual([
      "b.png: cannot be looked at: there is no such file or folder",
      "self: cannot be looked at: its symbolic links form a loop",
      `${join("sub", "up")}: is a link to a folder above it`,
    ]);
  });
});

it("lists pictures of other formats", async () => {
  await put("a.HEIC", "");
  await put("b.bmp", "");
  await put("notes.md", "");
  const { problems } = await open();
  expect(problems.map(({ file, reason }) => `${file} ${reason}`)).toEqual([
    "a.HEIC is not a png, jpg or webp file: save it as one",
    "b.bmp is not a png, jpg or webp file: save it as one",
  ]);
});

it("keeps the order of names, whatever is decoded first", async () => {
  const large = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: "#123456" } })
    .png()
    .toBuffer();
  const names = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(2, "0")}.png`);
  for (const [i, name] of names.entries()) {
    await put(name, i % 4 === 0 ? large : png);
    await put(name.replace("png", "txt"), name);
  }
  const seen: number[] = [];
  const { entries } = await openFolder(folder, { size: 8, onProgress: (done) => seen.push(done) });
  expect(entries.map(({ file }) => file)).toEqual(names);
  expect(seen).toEqual(names.map((_, i) => i + 1));
});
