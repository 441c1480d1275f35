// Batches out of streams: the same by number, in whatever order they are asked for.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { discSprites } from "../../tests/data/disc-sprites.js";
import { writeImages } from "../../tests/training/images.js";
import { withFolder } from "../../tests/training/regression.js";
import type { CaptionedImage } from "../data/index.js";
import { parse } from "../schema/index.js";
import { dataSchema } from "./data-config.js";
import { ImageBatches, openImages } from "./images.js";

/** Images of one byte, their number; remembers where streams were begun and ended. */
function counting() {
  const log: string[] = [];
  async function* open(from: number): AsyncGenerator<CaptionedImage, void, undefined> {
    log.push(`from ${from}`);
    try {
      for (let n = from; ; n++) yield { pixels: new Uint8Array([n]), caption: String(n) };
    } finally {
      log.push("end");
    }
  }
  return { open, log };
}

const sceneData = (sprites: string, mix: object) =>
  parse(dataSchema, { scenes: { sprites, mix, workers: 0 } });

const captions = (images: readonly CaptionedImage[]) => images.map(({ caption }) => caption).join(" ");

describe("PictureBatches", () => {
  it("reads on in order, and starts over where asked for another batch", async () => {
    const { open, log } = counting();
    const batches = new ImageBatches(open, 3);
    const asked = await Promise.all([2, 3, 4].map((step) => batches.get(step)));
    expect(asked.map(captions)).toEqual(["6 7 8", "9 10 11", "12 13 14"]);
    expect(captions(await batches.get(0))).toBe("0 1 2");
    expect(captions(await batches.get(1))).toBe("3 4 5");
    await batches.close();
    expect(log).toEqual(["from 6", "end", "from 0", "end"]);
  });

  it("tells what failed, and tries again when asked again", async () => {
    const { open } = counting();
    let broken = true;
    async function* failing(from: number) {
      for await (const image of open(from)) {
        if (broken && image.caption === "3") throw new Error("a picture is gone");
        yield image;
      }
    }
    const batches = new ImageBatches(failing, 2);
    expect(captions(await batches.get(0))).toBe("0 1");
    await expect(batches.get(1)).rejects.toThrow("a picture is gone");
    broken = false;
    expect(captions(await batches.get(1))).toBe("2 3");
    await batches.close();
  });
});

describe("openPictures", () => {
  it("opens a folder: seeded passes, and a fingerprint of what is in it", async () => {
    await withFolder(async (folder) => {
      await writeImages(folder, 5, 16);
      await writeFile(join(folder, "broken.png"), "no picture");
      await writeFile(join(folder, "broken.txt"), "broken");
      const source = await openImages({ folder, size: 16 });
      expect(source).toMatchObject({ size: 16, count: 5 });
      expect(source.problems).toEqual([expect.stringMatching(/^broken\.png cannot be decoded/)]);
      const batches = new ImageBatches((from) => source.stream(1, from), 5);
      const [first, second] = [await batches.get(0), await batches.get(1)];
      expect([...first].map(({ caption }) => caption).sort()).toEqual(
        [...second].map((p) => p.caption).sort(),
      );
      expect(captions(await batches.get(0))).toBe(captions(first));
      await batches.close();
      await writeImages(folder, 6, 16);
      const more = await openImages({ folder, size: 16 });
      expect(more.settings).not.toEqual(source.settings);
    });
  });

  it("opens scenes: those of the seed for training, others to look at", async () => {
    await withFolder(async (folder) => {
      const { index, pixels } = discSprites(["cat", "apple", "fish"], ["3d", "flat"]).shared;
      await writeFile(join(folder, "sprites.json"), JSON.stringify(index));
      for (const { name, file } of index.sets)
        await writeFile(join(folder, file), new Uint8Array(pixels[name]!));
      const mix = { things: ["cat", "apple", "fish"], styles: { flat: 1 } };
      const source = await openImages(sceneData(folder, mix));
      expect(source).toMatchObject({ size: 256, count: Number.POSITIVE_INFINITY, problems: [] });
      const batches = new ImageBatches((from) => source.stream(1, from), 2);
      const later = await batches.get(3);
      expect(later.map(({ pixels: { length } }) => length)).toEqual([256 * 256 * 3, 256 * 256 * 3]);
      await batches.get(0);
      const again = await batches.get(3);
      expect(again.every(({ pixels }, i) => Buffer.compare(pixels, later[i]!.pixels) === 0)).toBe(true);
      await batches.close();
      expect((await source.samples(2)).map(({ caption }) => caption)).not.toEqual(
        (await batches.get(0)).map(({ caption }) => caption),
      );
      await batches.close();
      const other = await openImages(sceneData(folder, { ...mix, counts: 0 }));
      expect(other.settings).not.toEqual(source.settings);
    });
  });

  it("refuses sprites whose pixels are not those of the index, as a build that was killed may leave them", async () => {
    await withFolder(async (folder) => {
      const { index, pixels } = discSprites(["cat", "apple", "fish"], ["flat"]).shared;
      const [set] = index.sets;
      const bytes = new Uint8Array(pixels.flat!).slice();
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      await writeFile(join(folder, "sprites.json"), JSON.stringify({ ...index, sets: [{ ...set, sha256 }] }));
      await writeFile(join(folder, set!.file), bytes);
      const data = sceneData(folder, { things: ["cat", "apple"], styles: { flat: 1 } });
      await openImages(data);
      bytes[100]! ^= 255;
      await writeFile(join(folder, set!.file), bytes);
      await expect(openImages(data)).rejects.toThrow(/Build the sprites again/);
    });
  });

  it("says why a folder cannot be used", async () => {
    await withFolder(async (folder) => {
      await mkdir(join(folder, "empty"));
      const empty = openImages({ folder: join(folder, "empty"), size: 16 });
      await expect(empty).rejects.toThrow(/no usable captioned images: there are no png, jpg or webp/);
      await expect(openImages({ folder: join(folder, "none"), size: 16 })).rejects.toThrow(
        /^Cannot read the folder/,
      );
    });
  });
});
