import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaptionedImage, CaptionedImages, openFolder } from "./index.js";

let folder: string;

function image(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 4, background } });
}

async function put(name: string, content: Buffer | string): Promise<void> {
  await writeFile(join(folder, name), content);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-folder-"));
  await mkdir(join(folder, "more"));
  await put("red.png", await image(40, 20, "#ff0000").png().toBuffer());
  await put("red.txt", "a red\n  field \n");
  await put("green.jpg", await image(30, 30, "#00ff00").flatten().jpeg({ quality: 100 }).toBuffer());
  await put("clear.webp", await image(30, 60, "#0000ff00").webp({ lossless: true }).toBuffer());
  await put(
    "more/grey.PNG",
    await sharp(Buffer.alloc(900, 128), { raw: { width: 30, height: 30, channels: 1 } })
      .png()
      .toBuffer(),
  );
  await put("uncaptioned.png", await image(8, 8, "#123456").png().toBuffer());
  await put("empty-caption.png", await image(8, 8, "#123456").png().toBuffer());
  await put("empty-caption.txt", " \n");
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * 7919) % 251));
  const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  await put("half.jpg", whole.subarray(0, whole.length / 2));
  await put("half.txt", "half a picture");
  await put("text.png", "this is no picture");
  await put("text.txt", "no picture");
  await put(
    "metadata.jsonl",
    [
      '{"file_name": "green.jpg", "text": "a green field"}',
      '{"file_name": "clear.webp", "text": "nothing"}',
      '{"file_name": "more/grey.PNG", "text": "a grey field"}',
      "not json",
      '{"file_name": "gone.png", "text": "gone"}',
      '{"file_name": "../outside.png", "text": "outside"}',
      '{"file_name": "green.jpg"}',
      "",
    ].join("\n"),
  );
});

afterAll(() => rm(folder, { recursive: true }));

describe("openFolder", () => {
  it("reads captions beside pictures and from metadata.jsonl", async () => {
    const { entries } = await openFolder(folder, { size: 16 });
    expect(entries).toEqual([
      { file: "clear.webp", caption: "nothing" },
      { file: "green.jpg", caption: "a green field" },
      { file: join("more", "grey.PNG"), caption: "a grey field" },
      { file: "red.png", caption: "a red field" },
    ]);
  });

  it("lists what is broken or missing, and goes on", async () => {
    const { problems } = await openFolder(folder, { size: 16 });
    expect(problems.map(({ file, reason }) => `${file}: ${reason.split(":")[0]}`)).toEqual([
      'metadata.jsonl, line 4: is not a JSON object with the strings "file_name" and "text"',
      'metadata.jsonl, line 5: there is no file "gone.png"',
      'metadata.jsonl, line 6: "../outside.png" lies outside of the folder',
      'metadata.jsonl, line 7: is not a JSON object with the strings "file_name" and "text"',
      "empty-caption.png: its caption is empty",
      "half.jpg: cannot be decoded",
      "text.png: cannot be decoded",
      "uncaptioned.png: has no caption",
    ]);
  });

  it("decodes to squares of RGB, transparent pictures on white", async () => {
    const images = await openFolder(folder, { size: 16 });
    const corner = async (index: number): Promise<number[]> => {
      const { pixels } = await images.read(index);
      expect(pixels).toHaveLength(16 * 16 * 3);
      return [...pixels.subarray(0, 3)];
    };
    expect(await corner(0)).toEqual([255, 255, 255]);
    expect((await corner(1))[1]).toBeGreaterThan(250);
    expect(await corner(2)).toEqual([128, 128, 128]);
    expect(await corner(3)).toEqual([255, 0, 0]);
  });

  it("streams shuffled passes, and goes on from a number as if it had not stopped", async () => {
    const images = await openFolder(folder, { size: 8 });
    const captions = async (from: number, count: number, seed = 3): Promise<string[]> => {
      const list: CaptionedImage[] = [];
      for await (const item of images.images({ seed, from, count })) list.push(item);
      return list.map((item) => item.caption);
    };
    const all = await captions(0, 16);
    for (let pass = 0; pass < 4; pass++) expect(new Set(all.slice(pass * 4, pass * 4 + 4)).size).toBe(4);
    expect(
      new Set([0, 1, 2, 3].map((pass) => all.slice(pass * 4, pass * 4 + 4).join())).size,
    ).toBeGreaterThan(1);
    expect(await captions(5, 6)).toEqual(all.slice(5, 11));
    expect(await captions(0, 16, 4)).not.toEqual(all);
  });

  it("refuses what cannot be used at all", async () => {
    await expect(openFolder(join(folder, "none"))).rejects.toMatchObject({ code: "file" });
    await expect(openFolder(folder, { size: 0 })).rejects.toMatchObject({ code: "usage" });
    await expect(openFolder(folder, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
    const none = new CaptionedImages(folder, 8, [], []);
    await expect(none.images({ seed: 0 }).next()).rejects.toMatchObject({ code: "data" });
    await expect(none.read(0)).rejects.toMatchObject({ code: "usage" });
  });
});
