import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findPostgresProblem, startPostgres, type TestPostgres } from "../../../tests/setup/postgres.js";
import { makeSmallDatabase } from "../../../tests/support/small-database.js";
import { encodePng } from "../../image/index.js";
import { encodeImage, type Receipt } from "../../pipeline/index.js";
import { readImageQuery } from "../api/index.js";
import { openShared } from "../database/index.js";
import type { Database } from "../parts.js";
import { writeJobFile } from "../queue/job-files.js";
import { FolderLibrary } from "./library.js";

const problem = findPostgresProblem();
if (problem) console.warn(`The library's tests on Postgres are skipped: ${problem}`);

describe.each(["pglite", "postgres"] as const)("the library on %s", (kind) => {
  const isSkipped = kind === "postgres" && problem !== undefined;
  describe.skipIf(isSkipped)("files and index", () => {
    let database: Database;
    let postgres: TestPostgres | undefined;
    let folder: string;
    let library: FolderLibrary;

    beforeAll(async () => {
      if (isSkipped) return;
      if (kind === "pglite") database = await makeSmallDatabase();
      else {
        postgres = await startPostgres();
        database = await openShared(await postgres.makeDatabase());
      }
    });
    afterAll(async () => {
      await database?.close();
      await postgres?.stop();
    });
    beforeEach(async () => {
      await forgetIndex();
      folder = await mkdtemp(join(tmpdir(), "nishiki-library-"));
      library = await open();
    });
    afterEach(async () => {
      await library.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** As if the database were lost. */
    async function forgetIndex() {
      const schemas = await database.query<{ name: string }>(
        "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'nishiki%'",
      );
      for (const { name } of schemas) await database.query(`DROP SCHEMA ${name} CASCADE`);
    }

    const open = () => FolderLibrary.open({ folder, database, watch: false });
    const created = "2026-11-28T10:00:00.000Z";
    const about = { job: "j1", index: 0, parent: null, mask: null, modelId: "embedded", created };
    const list = (query: object = {}) => library.images(readImageQuery(query));
    const idOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

    async function makeDrawn(prompt: string, seed = 1, side = 16): Promise<Uint8Array> {
      const data = new Uint8Array(side * side * 3).map((_, i) => [200, 40 + seed, 20][i % 3]!);
      const receipt = {
        ...{ format: 2, version: "0.0.1", device: "cpu", runtime: "none", platform: "test", load: {} },
        request: {
          ...{ prompt, negativePrompt: "", seed, count: 1, steps: 4, guidance: 1, guidanceRescale: 0 },
          ...{ guidanceInterval: [0, 1], sampler: "euler", size: { width: side, height: side } },
        },
        model: { name: "test", version: "2", weights: {} },
        pixels: "0".repeat(64),
      };
      return encodeImage({ width: side, height: side, channels: 3, data }, receipt as unknown as Receipt);
    }

    describe("drawn images", () => {
      it("are named by prompt, seed and content, and are found by their id", async () => {
        const png = await makeDrawn("Blue cat, Käse/../etc");
        const image = await library.addDrawn(png, about);
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
        expect(await readdir(join(folder, "images/2026-11-28"))).toEqual([
          `blue-cat-käse-etc-1-${image.id.slice(0, 12)}.png`,
          "drawn.jsonl",
        ]);
        expect(await library.file(image.id)).toEqual({ bytes: Buffer.from(png), type: "image/png" });
        expect(await library.image(image.id)).toEqual(image);
        expect(await library.imagesOfJob("j1")).toEqual([image]);
      });

      it("stored twice leave one file, and belong to every job that drew them", async () => {
        const png = await makeDrawn("a cat");
        const [first, again] = await Promise.all([
          library.addDrawn(png, about),
          library.addDrawn(png, about),
        ]);
        expect(again).toEqual(first);
        await library.addDrawn(png, { ...about, job: "j2", index: 3, created: "2026-11-29T10:00:00.000Z" });
        expect(await readdir(join(folder, "images"))).toEqual(["2026-11-28"]);
        expect((await library.imagesOfJob("j1")).map(({ job, index }) => [job, index])).toEqual([["j1", 0]]);
        expect((await library.imagesOfJob("j2")).map(({ job, index }) => [job, index])).toEqual([["j2", 3]]);
        const { images, total } = await list();
        expect([images.map(({ job }) => job), total]).toEqual([["j2"], 1]);
        expect((await list({ job: "j1" })).total).toBe(1);
      });

      it("come back from the trash when they are drawn again", async () => {
        const png = await makeDrawn("a cat");
        const { id } = await library.addDrawn(png, about);
        await library.trash([id], true);
        expect((await library.addDrawn(png, { ...about, job: "j2" })).trashed).toBeNull();
      });

      it("are written anew if the user deleted the file", async () => {
        const png = await makeDrawn("a cat");
        const { id } = await library.addDrawn(png, about);
        await rm(join(folder, "images"), { recursive: true });
        expect(await library.file(id)).toBeUndefined();
        await library.addDrawn(png, about);
        expect((await library.file(id))?.bytes.length).toBe(png.length);
      });
    });

    describe("the list", () => {
      it("pages newest first, without gaps or doubles while images arrive", async () => {
        for (let i = 0; i < 7; i++) {
          const time = new Date(Date.parse(created) + 1000 * Math.floor(i / 2)).toISOString();
          await library.addDrawn(await makeDrawn(`number ${i}`), { ...about, job: `j${i}`, created: time });
        }
        const first = await list({ limit: 3 });
        await library.addDrawn(await makeDrawn("late"), {
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
          await library.addDrawn(await makeDrawn(prompt, i, i === 1 ? 24 : 16), {
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
        const child = await library.addDrawn(await makeDrawn("child"), { ...about, parent });
        await library.addDrawn(await makeDrawn("other"), { ...about, job: "j2" });
        expect((await list({ parent: parent.image })).images).toEqual([child]);
      });
    });

    describe("marks", () => {
      it("survive the loss of the database and half a line at the end of their journal", async () => {
        const { id } = await library.addDrawn(await makeDrawn("kept"), about);
        const other = await library.addDrawn(await makeDrawn("thrown away"), { ...about, job: "j2" });
        expect((await library.mark(id, { favourite: true }))?.favourite).toBe(true);
        expect(
          (await library.trash([other.id, other.id, "f".repeat(64)], true)).map((image) => image.id),
        ).toEqual([other.id]);
        await library.close();
        await appendFile(join(folder, "marks.jsonl"), '{"image":"');
        await forgetIndex();
        library = await open();
        expect((await list()).total).toBe(0);
        expect(await library.reindex()).toBe(2);
        expect((await list({ search: "fav" })).images.map((image) => image.id)).toEqual([id]);
        expect((await list({ favourite: false })).total).toBe(0);
        expect((await list({ trash: true })).images.map((image) => image.id)).toEqual([other.id]);
        await library.trash([other.id], false);
        expect((await list()).total).toBe(2);
        await library.close();
        library = await open();
        expect((await list({ trash: true })).total).toBe(0);
      });

      it("empty the trash for good", async () => {
        const png = await makeDrawn("thrown away");
        const { id } = await library.addDrawn(png, about);
        await library.thumbnail(id);
        await library.trash([id], true);
        expect(await library.emptyTrash()).toEqual([id]);
        expect(await library.image(id)).toBeUndefined();
        expect(await library.thumbnail(id)).toBeUndefined();
        expect(await readdir(join(folder, "images/2026-11-28"))).toEqual(["drawn.jsonl"]);
        expect((await library.addDrawn(png, about)).trashed).toBeNull();
      });
    });

    describe("reindexing", () => {
      it("reads job, index, parent and mask again, and what the user copied into the folder", async () => {
        const parent = { image: "a".repeat(64), action: "edit" as const };
        const png = await makeDrawn("own");
        const image = await library.addDrawn(png, { ...about, parent, mask: "b".repeat(64), index: 2 });
        await mkdir(join(folder, "images/from a friend 🎨"));
        const copied = join(folder, "images/from a friend 🎨");
        await copyFile(
          join(folder, "images/2026-11-28", (await readdir(join(folder, "images/2026-11-28")))[0]!),
          join(copied, "copy.png"),
        );
        const raw = { width: 4, height: 2, channels: 3 as const };
        const jpeg = await sharp(new Uint8Array(24), { raw }).jpeg().toBuffer();
        await writeFile(join(copied, 'it\'s a "photo"\n.JPG'), jpeg);
        const parameters =
          "a foreign cat\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 8x8, Model: dream";
        await writeFile(
          join(copied, "foreign.png"),
          encodePng(
            { width: 8, height: 8, channels: 3, data: new Uint8Array(192) },
            { text: { parameters } },
          ),
        );
        await forgetIndex();
        await library.close();
        library = await open();
        const steps: number[][] = [];
        expect(await library.reindex((done, all) => steps.push([done, all]))).toBe(3);
        expect(steps.at(-1)).toEqual([4, 4]);
        expect(await library.image(image.id)).toMatchObject({
          job: "j1",
          index: 2,
          parent,
          mask: "b".repeat(64),
          created,
        });
        expect(await library.imagesOfJob("j1")).toHaveLength(1);
        expect(await library.image(idOf(jpeg))).toMatchObject({ width: 4, height: 2, job: null, prompt: "" });
        expect((await list({ search: "foreign" })).images[0]).toMatchObject({
          model: "dream",
          seed: 5,
          request: { steps: 20, sampler: "dpmpp-2m", schedule: "karras" },
        });
        expect((await library.file(idOf(jpeg)))?.type).toBe("image/jpeg");
      });

      it("learns from job files what a lost journal said", async () => {
        const image = await library.addDrawn(await makeDrawn("a cat"), { ...about, job: "j7" });
        await rm(join(folder, "images/2026-11-28/drawn.jsonl"));
        const record = {
          ...{
            id: "j7",
            kind: "draw" as const,
            owner: "o",
            priority: 0,
            group: null,
            labels: {},
            model: "embedded",
            modelName: "Nishiki",
          },
          ...{
            request: { prompt: "a cat", inpaint: { mask: "b".repeat(64) } },
            load: {},
            parent: null,
            created,
          },
        } as const;
        const end = {
          state: "done",
          started: created,
          finished: created,
          attempts: 1,
          images: [image.id],
          warnings: [],
        } as const;
        await writeJobFile(join(folder, "jobs"), record, end);
        await forgetIndex();
        await library.close();
        library = await open();
        expect(await library.reindex()).toBe(1);
        expect(await library.imagesOfJob("j7")).toEqual([
          { ...image, colour: "#808080", mask: "b".repeat(64) },
        ]);
      });

      it("of one folder leaves another's index in the same database alone", async () => {
        if (kind === "pglite") return;
        const { id } = await library.addDrawn(await makeDrawn("mine"), about);
        const elsewhere = await mkdtemp(join(tmpdir(), "nishiki-elsewhere-"));
        const other = await FolderLibrary.open({ folder: elsewhere, database, watch: false });
        expect((await other.scan()).removed).toEqual([]);
        expect((await other.images(readImageQuery({}))).total).toBe(0);
        expect((await list()).images.map((image) => image.id)).toEqual([id]);
        await other.close();
        await rm(elsewhere, { recursive: true });
      });

      it("is stopped by no file, and follows no link", async () => {
        const outside = await mkdtemp(join(tmpdir(), "nishiki-outside-"));
        try {
          const png = await makeDrawn("outside");
          await writeFile(join(outside, "secret.png"), png);
          const images = join(folder, "images");
          await symlink(join(outside, "secret.png"), join(images, "link.png"));
          await symlink(outside, join(images, "folder"));
          await symlink(images, join(images, "loop"));
          await writeFile(join(images, "empty.png"), "");
          await writeFile(join(images, "text.png"), "no image");
          await writeFile(join(images, "cut.png"), png.subarray(0, png.length - 40));
          await writeFile(join(images, ".hidden.png"), png);
          await writeFile(
            join(images, "drawn.jsonl"),
            '{"image": 5}\nnull\n[]\n{"image":"zz","job":"x"}\n\0\n',
          );
          await mkdir(join(images, "folder.png"));
          if (process.platform === "linux")
            await writeFile(
              Buffer.concat([Buffer.from(images), Buffer.from([0x2f, 0xff, 0xfe]), Buffer.from(".png")]),
              png,
            );
          expect(await library.reindex()).toBe(0);
          expect(
            (await library.scan()).unreadable
              .map((path) => path.replace("images/", ""))
              .sort()
              .slice(0, 3),
          ).toEqual(["cut.png", "empty.png", "text.png"]);
          expect(await library.file(idOf(png))).toBeUndefined();
        } finally {
          await rm(outside, { recursive: true });
        }
      });

      it("loses no image that is stored while the folder is read", async () => {
        const images = await Promise.all(Array.from({ length: 12 }, (_, i) => makeDrawn(`cat ${i}`, i)));
        const scans = [];
        for (const [i, png] of images.entries()) {
          if (i % 3 === 0) scans.push(library.scan({ all: true }));
          await library.addDrawn(png, { ...about, job: `j${i}` });
        }
        const removed = (await Promise.all(scans)).flatMap((scan) => scan.removed);
        expect(removed).toEqual([]);
        const { images: listed, total } = await list();
        expect([total, listed.map(({ job }) => job).sort()]).toEqual([
          12,
          images.map((_, i) => `j${i}`).sort(),
        ]);
      });

      it("drops an image whose file was damaged in place", async () => {
        const image = await library.addDrawn(await makeDrawn("a cat"), about);
        const [name] = (await readdir(join(folder, "images/2026-11-28"))).filter((file) =>
          file.endsWith(".png"),
        );
        await writeFile(join(folder, "images/2026-11-28", name!), "no image any more");
        expect((await library.scan()).removed).toEqual([image.id]);
        expect((await list()).total).toBe(0);
      });

      it("reads hostile texts in no time", async () => {
        const image = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
        const texts: Readonly<Record<string, string>>[] = [
          { parameters: `${"<lora:".repeat(400_000)}\nSteps: 1, Seed: 1, Size: 1x1` },
          { parameters: `${"!".repeat(4_000_000)}\nSteps: 1, Seed: 1, Size: 1x1` },
          { "XML:com.adobe.xmp": ' exif:UserComment="'.repeat(200_000).replaceAll('"', "'") },
          { "XML:com.adobe.xmp": `<exif:UserComment${" exif:UserComment=".repeat(200_000)}` },
        ];
        for (const [i, text] of texts.entries())
          await writeFile(join(folder, `images/${i}.png`), encodePng(image, { text }));
        // Quadratic time would be hours.
        expect(await library.reindex()).toBe(4);
        expect((await list()).images.every(({ prompt }) => prompt.length <= 100_000)).toBe(true);
      });

      it("notices files that came, went, moved or changed", async () => {
        const png = await makeDrawn("a cat");
        await mkdir(join(folder, "images/mine"));
        await writeFile(join(folder, "images/mine/a.png"), png);
        expect((await library.scan()).added.map(({ prompt }) => prompt)).toEqual(["a cat"]);
        expect((await library.scan()).added).toEqual([]);
        await mkdir(join(folder, "images/elsewhere"));
        await copyFile(join(folder, "images/mine/a.png"), join(folder, "images/elsewhere/b.png"));
        await rm(join(folder, "images/mine"), { recursive: true });
        expect((await library.scan()).removed).toEqual([]);
        expect(await library.file(idOf(png))).toBeDefined();
        const changed = await makeDrawn("a changed cat");
        await writeFile(join(folder, "images/elsewhere/b.png"), changed);
        const { added, removed } = await library.scan();
        expect([added.map(({ id }) => id), removed]).toEqual([[idOf(changed)], []]);
        expect((await list()).images.map(({ prompt }) => prompt)).toEqual(["a changed cat"]);
        await rm(join(folder, "images/elsewhere"), { recursive: true });
        expect((await library.scan()).removed).toEqual([idOf(changed)]);
      });
    });

    describe("uploads and thumbnails", () => {
      it("stores what is readable, once, and serves it", async () => {
        const jpeg = await sharp(new Uint8Array(3000), { raw: { width: 40, height: 25, channels: 3 } })
          .jpeg()
          .toBuffer();
        const upload = await library.upload(jpeg);
        expect(upload).toEqual({
          id: idOf(jpeg),
          width: 40,
          height: 25,
          format: "jpeg",
          hasAlpha: false,
          provenance: null,
        });
        expect(await library.upload(jpeg)).toEqual(upload);
        expect(await readdir(join(folder, "uploads"))).toEqual([`${upload.id}.jpg`]);
        expect((await library.file(upload.id))?.type).toBe("image/jpeg");
        expect(await library.image(upload.id)).toBeUndefined();
        const { bytes, type } = (await library.thumbnail(upload.id))!;
        expect([type, (await sharp(bytes).metadata()).width]).toEqual(["image/webp", 40]);
      });

      it("makes small thumbnails of large images, and then knows their colour", async () => {
        const png = await makeDrawn("large", 9, 700);
        const { id, colour } = await library.addDrawn(png, about);
        expect(colour).toBe("#808080");
        const [first, second] = await Promise.all([library.thumbnail(id), library.thumbnail(id)]);
        expect((await sharp(first!.bytes).metadata()).width).toBe(512);
        expect(second).toEqual(first);
        expect((await library.image(id))?.colour).toBe("#c83114");
        await library.reindex();
        expect((await library.image(id))?.colour).toBe("#c83114");
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
          const error = await library.upload(bytes).then(
            () => undefined,
            (reason: Error) => reason,
          );
          expect(error?.message).toMatch(sentence);
          expect(error).toMatchObject({ code: "data" });
        }
        expect(await readdir(join(folder, "uploads"))).toEqual([]);
        expect(existsSync(join(folder, "marks.jsonl"))).toBe(false);
      });

      it("takes the first frame of an animation", async () => {
        const frames = await sharp(new Uint8Array(600), {
          raw: { width: 10, height: 20, channels: 3, pageHeight: 10 },
        })
          .webp({ loop: 0 })
          .toBuffer();
        const upload = await library.upload(frames);
        expect([upload.width, upload.height]).toEqual([10, 10]);
        expect((await sharp((await library.thumbnail(upload.id))!.bytes).metadata()).height).toBe(10);
      });

      it("takes no path for an id", async () => {
        for (const id of ["../marks", "..%2f", "x".repeat(64), ""]) {
          expect(await library.file(id)).toBeUndefined();
          expect(await library.thumbnail(id)).toBeUndefined();
          expect(await library.image(id)).toBeUndefined();
        }
        expect((await readFile(join(folder, "marks.jsonl")).catch(() => "none")).toString()).toBe("none");
      });
    });
  });
});
