import { existsSync } from "node:fs";
import { appendFile, readdir, readFile, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { about, created, describeLibrary, idOf, makeDrawn } from "../../../tests/support/library-lab.js";
import { FolderLibrary } from "./library.js";

describeLibrary("the library", (lab) => {
  const { forgetIndex, list, open } = lab;

  describe("drawn images", () => {
    it("are named by prompt, seed and content, and are found by their id", async () => {
      const png = await makeDrawn("Blue cat, Käse/../etc");
      const image = await lab.library.addDrawn(png, about);
      expect(image).toMatchObject({
        id: idOf(png),
        prompt: "Blue cat, Käse/../etc",
        seed: 1,
        model: "test 2",
        modelId: "embedded",
        job: "j1",
        colour: "#c82914",
        request: { steps: 4, sampler: "euler" },
      });
      expect(await readdir(join(lab.folder, "images/2026-11-28"))).toEqual([
        `blue-cat-käse-etc-1-${image.id.slice(0, 12)}.png`,
        "drawn.jsonl",
      ]);
      expect(await lab.library.file(image.id)).toEqual({ bytes: Buffer.from(png), type: "image/png" });
      expect(await lab.library.image(image.id)).toEqual(image);
      expect(await lab.library.imagesOfJob("j1")).toEqual([image]);
    });

    it("stored twice leave one file, and belong to every job that drew them", async () => {
      const png = await makeDrawn("a cat");
      const [first, again] = await Promise.all([
        lab.library.addDrawn(png, about),
        lab.library.addDrawn(png, about),
      ]);
      expect(again).toEqual(first);
      await lab.library.addDrawn(png, { ...about, job: "j2", index: 3, created: "2026-11-29T10:00:00.000Z" });
      expect(await readdir(join(lab.folder, "images"))).toEqual(["2026-11-28"]);
      expect((await lab.library.imagesOfJob("j1")).map(({ job, index }) => [job, index])).toEqual([
        ["j1", 0],
      ]);
      expect((await lab.library.imagesOfJob("j2")).map(({ job, index }) => [job, index])).toEqual([
        ["j2", 3],
      ]);
      const { images, total } = await list();
      expect([images.map(({ job }) => job), total]).toEqual([["j2"], 1]);
      expect((await list({ job: "j1" })).total).toBe(1);
    });

    it("come back from the trash when they are drawn again", async () => {
      const png = await makeDrawn("a cat");
      const { id } = await lab.library.addDrawn(png, about);
      await lab.library.trash([id], true);
      expect((await lab.library.addDrawn(png, { ...about, job: "j2" })).trashed).toBeNull();
    });

    it("are written anew if the user deleted the file", async () => {
      const png = await makeDrawn("a cat");
      const { id } = await lab.library.addDrawn(png, about);
      await rm(join(lab.folder, "images"), { recursive: true });
      expect(await lab.library.file(id)).toBeUndefined();
      await lab.library.addDrawn(png, about);
      expect((await lab.library.file(id))?.bytes.length).toBe(png.length);
    });
  });

  describe("the list", () => {
    it("pages newest first, without gaps or doubles while images arrive", async () => {
      for (let i = 0; i < 7; i++) {
        const time = new Date(Date.parse(created) + 1000 * Math.floor(i / 2)).toISOString();
        await lab.library.addDrawn(await makeDrawn(`number ${i}`), { ...about, job: `j${i}`, created: time });
      }
      const first = await list({ limit: 3 });
      await lab.library.addDrawn(await makeDrawn("late"), {
        ...about,
        job: "late",
        created: "2026-12-01T00:00:00.000Z",
      });
      const second = await list({ limit: 3, cursor: first.next! });
      const third = await list({ limit: 3, cursor: second.next! });
      const prompts = [first, second, third].flatMap(({ images }) => images.map(({ prompt }) => prompt));
      expect(prompts).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `number ${i}`));
      expect([first.total, second.total, third.next]).toEqual([7, 8, null]);
      await expect(list({ cursor: "' OR 1=1" })).rejects.toThrow(/cursor: expected/);
    });

    it("finds words, beginnings, phrases and fields", async () => {
      const prompts = [
        "A blue-green cat on a mat",
        "a dog, blue sky",
        "青い猫が走る",
        'Café "l\'été"',
        "% _ \\ ' \" ; --",
      ];
      for (const [i, prompt] of prompts.entries())
        await lab.library.addDrawn(await makeDrawn(prompt, i, i === 1 ? 24 : 16), {
          ...about,
          job: `j${i}`,
          index: i,
        });
      const find = async (search: string) =>
        (await list({ search })).images.map(({ seed }) => seed).sort((a, b) => a - b);
      expect(await find("")).toEqual([0, 1, 2, 3, 4]);
      expect(await find("BLUE")).toEqual([0, 1]);
      expect(await find("blue cat")).toEqual([0]);
      expect(await find('"blue cat"')).toEqual([]);
      expect(await find('"cat on a')).toEqual([0]);
      expect(await find("blue-green")).toEqual([0]);
      expect(await find("gre")).toEqual([0]);
      expect(await find("reen")).toEqual([]);
      expect(await find("blue -cat")).toEqual([1]);
      expect(await find('-"blue sky" a')).toEqual([0]);
      expect(await find("猫")).toEqual([2]);
      expect(await find("い猫")).toEqual([2]);
      expect(await find("猫い")).toEqual([]);
      expect(await find("cafe ete")).toEqual([3]);
      expect(await find("seed:3")).toEqual([3]);
      expect(await find("-seed:3 -seed:1")).toEqual([0, 2, 4]);
      expect(await find("size:24")).toEqual([1]);
      expect(await find("size:16x16 blue")).toEqual([0]);
      expect(await find("model:test")).toHaveLength(5);
      expect(await find('model:"TEST 2" blue')).toEqual([0, 1]);
      expect(await find("model:other")).toEqual([]);
      expect(await find("before:2026-11-28")).toEqual([]);
      expect(await find("after:2026-11-28 before:2026-12")).toHaveLength(5);
      expect(await find("after:2027")).toEqual([]);
      expect(await find("'; DROP TABLE nishiki.images; --")).toEqual([]);
      expect(await find("\\ & | ! ( ) :* <->")).toEqual([0, 1, 2, 3, 4]);
      for (const [search, fault] of [
        ["seed:cat", /seed: expected a whole number/],
        ["before:2026-02-30", /before: expected a date/],
        ["size:big", /size: expected a size/],
        ["a ".repeat(60), /search: expected at most 50 words/],
      ] as const)
        await expect(list({ search })).rejects.toThrow(fault);
    });

    it("knows the images that were made from one", async () => {
      const parent = { image: "a".repeat(64), action: "vary-subtle" as const };
      const child = await lab.library.addDrawn(await makeDrawn("child"), { ...about, parent });
      await lab.library.addDrawn(await makeDrawn("other"), { ...about, job: "j2" });
      expect((await list({ parent: parent.image })).images).toEqual([child]);
    });
  });

  describe("marks", () => {
    it("survive the loss of the database and half a line at the end of their journal", async () => {
      const { id } = await lab.library.addDrawn(await makeDrawn("kept"), about);
      const other = await lab.library.addDrawn(await makeDrawn("thrown away"), { ...about, job: "j2" });
      expect((await lab.library.mark(id, { favourite: true }))?.favourite).toBe(true);
      expect(
        (await lab.library.trash([other.id, other.id, "f".repeat(64)], true)).map((image) => image.id),
      ).toEqual([other.id]);
      await lab.library.close();
      await appendFile(join(lab.folder, "marks.jsonl"), '{"image":"');
      await forgetIndex();
      lab.library = await open();
      expect((await list()).total).toBe(0);
      expect(await lab.library.reindex()).toBe(2);
      expect((await list({ search: "fav" })).images.map((image) => image.id)).toEqual([id]);
      expect((await list({ favourite: false })).total).toBe(0);
      expect((await list({ trash: true })).images.map((image) => image.id)).toEqual([other.id]);
      await lab.library.trash([other.id], false);
      expect((await list()).total).toBe(2);
      await lab.library.close();
      lab.library = await open();
      expect((await list({ trash: true })).total).toBe(0);
    });

    it("empty the trash for good", async () => {
      const png = await makeDrawn("thrown away");
      const { id } = await lab.library.addDrawn(png, about);
      await lab.library.thumbnail(id);
      await lab.library.trash([id], true);
      expect(await lab.library.emptyTrash()).toEqual([id]);
      expect(await lab.library.image(id)).toBeUndefined();
      expect(await lab.library.thumbnail(id)).toBeUndefined();
      expect(await readdir(join(lab.folder, "images/2026-11-28"))).toEqual(["drawn.jsonl"]);
      expect((await lab.library.addDrawn(png, about)).trashed).toBeNull();
    });
  });

  describe("uploads and thumbnails", () => {
    it("stores what is readable, once, and serves it", async () => {
      const jpeg = await sharp(new Uint8Array(3000), { raw: { width: 40, height: 25, channels: 3 } })
        .jpeg()
        .toBuffer();
      const upload = await lab.library.upload(jpeg);
      expect(upload).toEqual({
        id: idOf(jpeg),
        width: 40,
        height: 25,
        format: "jpeg",
        hasAlpha: false,
        provenance: null,
      });
      expect(await lab.library.upload(jpeg)).toEqual(upload);
      expect(await readdir(join(lab.folder, "uploads"))).toEqual([`${upload.id}.jpg`]);
      expect((await lab.library.file(upload.id))?.type).toBe("image/jpeg");
      expect(await lab.library.image(upload.id)).toBeUndefined();
      const { bytes, type } = (await lab.library.thumbnail(upload.id))!;
      expect([type, (await sharp(bytes).metadata()).width]).toEqual(["image/webp", 40]);
    });

    it("keeps an upload as long as something was made with it", async () => {
      const makeUpload = async (channel: number) => {
        const pixels = new Uint8Array(300).fill(channel);
        const png = await sharp(pixels, { raw: { width: 10, height: 10, channels: 3 } })
          .png()
          .toBuffer();
        return { png, ...(await lab.library.upload(png)) };
      };
      const [unused, ofJob, mask, recent] = [
        await makeUpload(1),
        await makeUpload(2),
        await makeUpload(3),
        await makeUpload(4),
      ];
      await lab.library.addDrawn(await makeDrawn("a cat"), { ...about, mask: mask.id });
      const library = await FolderLibrary.open({
        ...{ folder: lab.folder, database: lab.database, watch: false },
        isUsed: async (id) => id === ofJob.id,
      });
      const before = new Date(Date.now() - 1000);
      for (const { id } of [unused, ofJob, mask, recent])
        await utimes(join(lab.folder, `uploads/${id}.png`), before, new Date(before.getTime() - 1000));
      // Uploaded again, so it is wanted again.
      await library.upload(recent.png);
      expect(await library.deleteUnusedUploads(before)).toEqual([unused.id]);
      expect(await library.file(unused.id)).toBeUndefined();
      for (const { id } of [ofJob, mask, recent]) expect(await library.has(id)).toBe(true);
      await library.close();
    });

    it("makes small thumbnails of large images, and then knows their colour", async () => {
      const png = await makeDrawn("large", 9, 700);
      const { id, colour } = await lab.library.addDrawn(png, about);
      expect(colour).toBe("#808080");
      const [first, second] = await Promise.all([lab.library.thumbnail(id), lab.library.thumbnail(id)]);
      expect((await sharp(first!.bytes).metadata()).width).toBe(512);
      expect(second).toEqual(first);
      expect((await lab.library.image(id))?.colour).toBe("#c83114");
      await lab.library.reindex();
      expect((await lab.library.image(id))?.colour).toBe("#c83114");
    });

    it("refuses bombs and what is no image, with a sentence", async () => {
      const png = await makeDrawn("bomb");
      const bomb = png.slice();
      new DataView(bomb.buffer).setUint32(16, 30_000);
      new DataView(bomb.buffer).setUint32(20, 30_000);
      const cases: [Uint8Array, RegExp][] = [
        [new Uint8Array(0), /got an empty file/],
        [new TextEncoder().encode("<svg xmlns='x'/>"), /Expected a PNG, JPEG or WebP image, got SVG/],
        [new TextEncoder().encode("GIF89a...."), /got GIF/],
        [bomb, /checksum|pixels; the limit/],
        [png.subarray(0, 60), /truncated/],
        [(await sharp(png).webp().toBuffer()).subarray(0, 40), /cannot be decoded|truncated/],
      ];
      for (const [bytes, sentence] of cases) {
        const error = await lab.library.upload(bytes).then(
          () => undefined,
          (reason: Error) => reason,
        );
        expect(error?.message).toMatch(sentence);
        expect(error).toMatchObject({ code: "data" });
      }
      expect(await readdir(join(lab.folder, "uploads"))).toEqual([]);
      expect(existsSync(join(lab.folder, "marks.jsonl"))).toBe(false);
    });

    it("takes the first frame of an animation", async () => {
      const frames = await sharp(new Uint8Array(600), {
        raw: { width: 10, height: 20, channels: 3, pageHeight: 10 },
      })
        .webp({ loop: 0 })
        .toBuffer();
      const upload = await lab.library.upload(frames);
      expect([upload.width, upload.height]).toEqual([10, 10]);
      expect((await sharp((await lab.library.thumbnail(upload.id))!.bytes).metadata()).height).toBe(10);
    });

    it("takes no path for an id", async () => {
      for (const id of ["../marks", "..%2f", "x".repeat(64), ""]) {
        expect(await lab.library.file(id)).toBeUndefined();
        expect(await lab.library.thumbnail(id)).toBeUndefined();
        expect(await lab.library.image(id)).toBeUndefined();
      }
      expect((await readFile(join(lab.folder, "marks.jsonl")).catch(() => "none")).toString()).toBe("none");
    });
  });
});
