// Masks and growing images through whole pipelines: what is redrawn, what stays, and what a person is told.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng, encodePng } from "../src/image/index.js";
import { writePng } from "../src/image/node.js";
import { type ImageRequest, loadPipeline, type Pipeline, readImages } from "../src/index.js";
import { completeRequest, parseReceipt, receiptKey } from "../src/pipeline/index.js";
import { openModel } from "../src/pipeline/node.js";
import { runCli } from "./support/run-cli.js";
import { writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const sd1 = fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url));
let folder: string;
let tiny: string;
const path = (name: string) => join(folder, name);

type Colour = (x: number, y: number) => readonly number[];
const photo: Colour = (x, y) => [(x * 4) % 256, (y * 4) % 256, 128];

async function save(name: string, width: number, height: number, colour: Colour): Promise<string> {
  const channels = colour(0, 0).length as 3 | 4;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), i * channels);
  await writePng(path(name), { width, height, channels, data }, { force: true });
  return path(name);
}

/** White in a box, black elsewhere. */
const box =
  (left: number, top: number, side: number): Colour =>
  (x, y) =>
    x >= left && x < left + side && y >= top && y < top + side ? [255, 255, 255] : [0, 0, 0];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-masks-"));
  tiny = await writeTinyModel(path("tiny"));
  await save("photo-64.png", 64, 64, photo);
  await save("photo-256.png", 256, 256, photo);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function draw(pipeline: Pipeline, request: ImageRequest): Promise<Uint8Array> {
  for await (const event of pipeline.generate({ seed: 1, steps: 2, guidance: 1, ...request }))
    if (event.kind === "image") return event.pixels;
  throw new Error("no image");
}

describe.each([
  ["Stable Diffusion", () => sd1, 64, 6, 33],
  ["the embedded model's kind", () => tiny, 256, 14, 97],
] as const)("masks of %s", (_, getModel, size, side, corner) => {
  let pipeline: Pipeline;
  const photoFile = () => path(`photo-${size}.png`);
  const read = async (mask: string) => {
    const { context } = await openModel({ model: getModel() });
    const files = { prompt: "a cat", init: { image: photoFile() }, inpaint: { mask } };
    return readImages(files as Parameters<typeof readImages>[0], context);
  };
  beforeAll(async () => {
    pipeline = await loadPipeline({ model: getModel(), threads: 1 });
  });
  afterAll(() => pipeline?.dispose());

  it("redraw strokes that lie between the corners of cells", async () => {
    const mask = await save(`thin-${size}.png`, size, size, box(corner, corner, side));
    const { request } = await read(mask);
    const given = decodePng(await readFile(photoFile())).data;
    const drawn = await draw(pipeline, request);
    const middle = ((corner + side / 2) * size + corner + side / 2) * 3;
    expect(drawn.subarray(middle, middle + 3)).not.toEqual(
      Uint8Array.from(given.subarray(middle, middle + 3)),
    );
  });

  it("leave every black pixel as it was, unless that is not wanted", async () => {
    const inside = box(size / 4, size / 4, size / 2);
    const { request } = await read(await save(`box-${size}.png`, size, size, inside));
    const given = decodePng(await readFile(photoFile())).data;
    const changes = (drawn: Uint8Array) =>
      drawn.reduce((count, value, i) => {
        const pixel = Math.floor(i / 3);
        const isBlack = inside(pixel % size, Math.floor(pixel / size))[0] === 0;
        return count + (isBlack && value !== given[i] ? 1 : 0);
      }, 0);
    expect(changes(await draw(pipeline, request))).toBe(0);
    const plain = { ...request, inpaint: { ...request.inpaint, pasteBack: false } };
    expect(changes(await draw(pipeline, plain))).toBeGreaterThan(0);
  });

  it("mean the same as strokes on a transparent layer and as a hole in the image", async () => {
    const [from, to] = [size / 4, (3 * size) / 4];
    const isInside = (x: number, y: number) => x >= from && x < to && y >= from && y < to;
    const plain = await save(`plain-${size}.png`, size, size, box(from, from, size / 2));
    const strokes =
      (colour: readonly number[]): Colour =>
      (x, y) =>
        isInside(x, y) ? [...colour, 255] : [0, 0, 0, 0];
    const hole: Colour = (x, y) => [...photo(x, y), isInside(x, y) ? 0 : 255];
    const masks = { white: strokes([255, 255, 255]), red: strokes([255, 0, 0]), hole };
    const expected = (await read(plain)).request.inpaint!.mask!.data;
    for (const [name, colour] of Object.entries(masks)) {
      const file = await save(`${name}-${size}.png`, size, size, colour);
      const { request, notices } = await read(file);
      expect(Buffer.compare(request.inpaint!.mask!.data, expected)).toBe(0);
      expect(notices.join()).toContain(`The mask ${file} has transparent pixels: its `);
    }
    expect((await read(plain)).notices).toEqual([]);
  });

  it("alone are drawn at full size in an image of any size, which stays as it was around them", async () => {
    const { context } = await openModel({ model: getModel() });
    const large = await save(`large-${size}.png`, size * 2 + 5, size + 3, photo);
    const isInside = box(size + 3, 10, side);
    const mask = await save(`small-${size}.png`, size * 2 + 5, size + 3, isInside);
    const inpaint = { mask, onlyMasked: 8, feather: 0 };
    const files = { prompt: "a cat", size: `${size}x${size}`, init: { image: large }, inpaint };
    const { request } = await readImages(files as Parameters<typeof readImages>[0], context);
    const drawn = await draw(pipeline, request);
    const given = decodePng(await readFile(large)).data;
    expect(drawn.length).toBe(given.length);
    const changed = [...drawn.keys()].filter((i) => drawn[i] !== given[i]).map((i) => Math.floor(i / 3));
    expect(changed.length).toBeGreaterThan(side * side);
    const width = size * 2 + 5;
    expect(changed.every((pixel) => isInside(pixel % width, Math.floor(pixel / width))[0] === 255)).toBe(
      true,
    );
  });

  it("begin with what is asked for", async () => {
    const { request } = await read(
      await save(`fill-${size}.png`, size, size, box(size / 4, size / 4, size / 2)),
    );
    const init = { ...request.init!, strength: 0.5 };
    const fills = ["original", "surroundings", "noise", "nothing"] as const;
    const drawn: string[] = [];
    for (const fill of fills)
      drawn.push(
        Buffer.from(
          await draw(pipeline, { ...request, init, inpaint: { ...request.inpaint, fill } }),
        ).toString("base64"),
      );
    expect(new Set(drawn).size).toBe(fills.length);
    const plain = Buffer.from(await draw(pipeline, { ...request, init })).toString("base64");
    expect(plain).toBe(drawn[0]);
  });

  it("that have no white pixel are named", async () => {
    const black = await save(`black-${size}.png`, size, size, () => [0, 0, 60]);
    expect((await read(black)).notices.join()).toMatch(
      /black-\d+\.png is entirely black: nothing is redrawn/,
    );
  });
});

it("drawing the masked area alone needs a mask, and takes no extension", async () => {
  const { context } = await openModel({ model: tiny });
  const files = { prompt: "a cat", init: { image: path("photo-256.png") } };
  const complete = async (inpaint: object) => {
    const { request } = await readImages({ ...files, inpaint } as Parameters<typeof readImages>[0], context);
    return completeRequest(request, context);
  };
  await expect(complete({ onlyMasked: 4, extend: "left=64" })).rejects.toThrow(
    /inpaint\.onlyMasked: requires an inpaint\.mask.*\n.*cannot be combined with inpaint\.extend/,
  );
});

describe("images of other proportions", () => {
  it("are not squeezed where they grow", async () => {
    const { context } = await openModel({ model: tiny });
    const files = { prompt: "a cat", init: { image: path("photo-256.png") }, inpaint: { extend: "left=64" } };
    const { request, notices } = await readImages(files as Parameters<typeof readImages>[0], context);
    expect(request.init!.image).toMatchObject({ width: 192, height: 192 });
    expect(request.inpaint!.extend).toEqual({ left: 64, right: 0, top: 32, bottom: 32 });
    expect(notices).toEqual([
      `${path("photo-256.png")} has 256x256 pixels; it is scaled to 192x192 and extended by left=64, top=32, bottom=32 to keep its aspect ratio.`,
    ]);
  });

  it("are cropped to their middle where they do not grow", async () => {
    const wide = await save("wide.png", 128, 64, (x) => [x < 32 || x >= 96 ? 255 : 10, 0, 0]);
    const { context } = await openModel({ model: tiny });
    const { request, notices } = await readImages(
      { prompt: "a cat", init: { image: wide } } as Parameters<typeof readImages>[0],
      context,
    );
    expect(request.init!.image).toMatchObject({ width: 256, height: 256 });
    const reds = request.init!.image.data.filter((_, i) => i % 3 === 0);
    expect(Math.max(...reds)).toBeLessThan(40);
    expect(notices[0]).toMatch(/has 128x64 pixels; its center of 64x64 is scaled to 256x256\.$/);
  });
});

it("pictures drawn with masks of any kind are verified from their files", async () => {
  const strokes = await save("strokes.png", 256, 256, (x, y) =>
    x > 90 && y > 90 ? [0, 200, 0, 255] : [0, 0, 0, 0],
  );
  const common = ["--model", tiny, "--threads", "1"];
  const options = [
    "--image",
    path("photo-256.png"),
    "--mask",
    strokes,
    "--steps",
    "2",
    "-o",
    path("out.png"),
  ];
  const drawn = await runCli(["a cat", ...common, ...options]);
  expect(drawn).toMatchObject({ code: 0 });
  expect(drawn.stderr).toContain("its opaque pixels are redrawn");
  expect(await runCli(["verify", path("out.png"), ...common])).toMatchObject({ code: 0 });
  const { text, ...image } = decodePng(await readFile(path("out.png")));
  const receipt = parseReceipt(text[receiptKey]!);
  expect(receipt.request.inpaint).toMatchObject({ pasteBack: true });
  expect(encodePng(image).length).toBeGreaterThan(100);
});
