import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { about, created, describeLibrary, idOf, makeDrawn } from "../../../tests/support/library-lab.js";
import { encodePng } from "../../image/index.js";
import { readImageQuery } from "../api/index.js";
import { writeJobFile } from "../queue/job-files.js";
import { FolderLibrary } from "./library.js";

describeLibrary("the library on start", (lab) => {
  const { forgetIndex, list, open } = lab;

  describe("reindexing", () => {
    it("reads job, index, parent and mask again, and what the user copied into the folder", async () => {
      const parent = { image: "a".repeat(64), action: "edit" as const };
      const png = await makeDrawn("own");
      const image = await lab.library.addDrawn(png, { ...about, parent, mask: "b".repeat(64), index: 2 });
      await mkdir(join(lab.folder, "images/from a friend 🎨"));
      const copied = join(lab.folder, "images/from a friend 🎨");
      await copyFile(
        join(lab.folder, "images/2026-11-28", (await readdir(join(lab.folder, "images/2026-11-28")))[0]!),
        join(copied, "copy.png"),
      );
      const raw = { width: 4, height: 2, channels: 3 as const };
      const jpeg = await sharp(new Uint8Array(24), { raw }).jpeg().toBuffer();
      await writeFile(join(copied, 'it\'s a "photo"\n.JPG'), jpeg);
      const parameters =
        "a foreign cat\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 8x8, Model: dream";
      await writeFile(
        join(copied, "foreign.png"),
        encodePng({ width: 8, height: 8, channels: 3, data: new Uint8Array(192) }, { text: { parameters } }),
      );
      await forgetIndex();
      await lab.library.close();
      lab.library = await open();
      const steps: number[][] = [];
      expect(await lab.library.reindex((done, all) => steps.push([done, all]))).toBe(3);
      expect(steps.at(-1)).toEqual([4, 4]);
      expect(await lab.library.image(image.id)).toMatchObject({
        job: "j1",
        index: 2,
        parent,
        mask: "b".repeat(64),
        created,
      });
      expect(await lab.library.imagesOfJob("j1")).toHaveLength(1);
      expect(await lab.library.image(idOf(jpeg))).toMatchObject({
        width: 4,
        height: 2,
        job: null,
        prompt: "",
      });
      expect((await list({ search: "foreign" })).images[0]).toMatchObject({
        model: "dream",
        seed: 5,
        request: { steps: 20, sampler: "dpmpp-2m", schedule: "karras" },
      });
      expect((await lab.library.file(idOf(jpeg)))?.type).toBe("image/jpeg");
    });

    it("learns from job files what a lost journal said", async () => {
      const image = await lab.library.addDrawn(await makeDrawn("a cat"), { ...about, job: "j7" });
      await rm(join(lab.folder, "images/2026-11-28/drawn.jsonl"));
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
      await writeJobFile(join(lab.folder, "jobs"), record, end);
      await forgetIndex();
      await lab.library.close();
      lab.library = await open();
      expect(await lab.library.reindex()).toBe(1);
      expect(await lab.library.imagesOfJob("j7")).toEqual([
        { ...image, colour: "#808080", mask: "b".repeat(64) },
      ]);
    });

    // An embedded database belongs to one folder.
    it.skipIf(lab.kind === "pglite")(
      "of one folder leaves another's index in the same database alone",
      async () => {
        const { id } = await lab.library.addDrawn(await makeDrawn("mine"), about);
        const elsewhere = await mkdtemp(join(tmpdir(), "nishiki-elsewhere-"));
        const other = await FolderLibrary.open({ folder: elsewhere, database: lab.database, watch: false });
        expect((await other.scan()).removed).toEqual([]);
        expect((await other.images(readImageQuery({}))).total).toBe(0);
        expect((await list()).images.map((image) => image.id)).toEqual([id]);
        await other.close();
        await rm(elsewhere, { recursive: true });
      },
    );

    it("is stopped by no file, and follows no link", async () => {
      const outside = await mkdtemp(join(tmpdir(), "nishiki-outside-"));
      try {
        const png = await makeDrawn("outside");
        await writeFile(join(outside, "secret.png"), png);
        const images = join(lab.folder, "images");
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
        expect(await lab.library.reindex()).toBe(0);
        expect(
          (await lab.library.scan()).unreadable
            .map((path) => path.replace("images/", ""))
            .sort()
            .slice(0, 3),
        ).toEqual(["cut.png", "empty.png", "text.png"]);
        expect(await lab.library.file(idOf(png))).toBeUndefined();
      } finally {
        await rm(outside, { recursive: true });
      }
    });

    it("loses no image that is stored while the folder is read", async () => {
      const images = await Promise.all(Array.from({ length: 12 }, (_, i) => makeDrawn(`cat ${i}`, i)));
      const scans = [];
      for (const [i, png] of images.entries()) {
        if (i % 3 === 0) scans.push(lab.library.scan({ all: true }));
        await lab.library.addDrawn(png, { ...about, job: `j${i}` });
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
      const image = await lab.library.addDrawn(await makeDrawn("a cat"), about);
      const [name] = (await readdir(join(lab.folder, "images/2026-11-28"))).filter((file) =>
        file.endsWith(".png"),
      );
      await writeFile(join(lab.folder, "images/2026-11-28", name!), "no image any more");
      expect((await lab.library.scan()).removed).toEqual([image.id]);
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
        await writeFile(join(lab.folder, `images/${i}.png`), encodePng(image, { text }));
      // Quadratic time would be hours.
      expect(await lab.library.reindex()).toBe(4);
      expect((await list()).images.every(({ prompt }) => prompt.length <= 100_000)).toBe(true);
    });

    it("notices files that came, went, moved or changed", async () => {
      const png = await makeDrawn("a cat");
      await mkdir(join(lab.folder, "images/mine"));
      await writeFile(join(lab.folder, "images/mine/a.png"), png);
      expect((await lab.library.scan()).added.map(({ prompt }) => prompt)).toEqual(["a cat"]);
      expect((await lab.library.scan()).added).toEqual([]);
      await mkdir(join(lab.folder, "images/elsewhere"));
      await copyFile(join(lab.folder, "images/mine/a.png"), join(lab.folder, "images/elsewhere/b.png"));
      await rm(join(lab.folder, "images/mine"), { recursive: true });
      expect((await lab.library.scan()).removed).toEqual([]);
      expect(await lab.library.file(idOf(png))).toBeDefined();
      const changed = await makeDrawn("a changed cat");
      await writeFile(join(lab.folder, "images/elsewhere/b.png"), changed);
      const { added, removed } = await lab.library.scan();
      expect([added.map(({ id }) => id), removed]).toEqual([[idOf(changed)], []]);
      expect((await list()).images.map(({ prompt }) => prompt)).toEqual(["a changed cat"]);
      await rm(join(lab.folder, "images/elsewhere"), { recursive: true });
      expect((await lab.library.scan()).removed).toEqual([idOf(changed)]);
    });
  });
});
