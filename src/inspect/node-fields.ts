// What each finding adds to an explanation, with images as WebP (node).
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { encodeWebp } from "../image/node.js";
import type { Pixels } from "../pipeline/index.js";
import { hashFile } from "../pipeline/node.js";
import type { WordMap } from "./attribution.js";
import { embeddedTraining } from "./embedded-training.js";
import type { ByteMap, ExplainedWord, Explanation, ImageUrl, ReadFile } from "./explanation.js";
import type { Finding } from "./findings.js";
import { measureDiversity } from "./node-diversity.js";
import { findNearest } from "./node-nearest.js";
import { listNeighbours } from "./node-neighbours.js";
import { readScores } from "./node-skills.js";

async function toUrl(image: Pixels): Promise<ImageUrl> {
  const bytes = await encodeWebp(image, { quality: 88 });
  return `data:image/webp;base64,${Buffer.from(bytes).toString("base64")}`;
}

/** A map as bytes of its largest value. */
export function toByteMap(data: ArrayLike<number>, height: number, width: number): ByteMap {
  const values = Array.from(data);
  const most = Math.max(0, ...values);
  const bytes = Uint8Array.from(values, (value) => (most === 0 ? 0 : Math.round((255 * value) / most)));
  return { height, width, most, data: Buffer.from(bytes).toString("base64") };
}

/** Pixels of a change, averaged over blocks: the eye needs no more, and the page stays small. */
function shrink(change: Float32Array, height: number, width: number): ByteMap {
  const block = Math.max(1, Math.round(Math.max(height, width) / 64));
  const [rows, columns] = [Math.ceil(height / block), Math.ceil(width / block)];
  const sums = new Float32Array(rows * columns);
  const counts = new Float32Array(rows * columns);
  change.forEach((value, i) => {
    const at = Math.floor(i / width / block) * columns + Math.floor((i % width) / block);
    sums[at]! += value;
    counts[at]! += 1;
  });
  return toByteMap(
    sums.map((sum, i) => sum / counts[i]!),
    rows,
    columns,
  );
}

/** A model is a folder of files, or one file. */
const locate = (model: string, name: string) => (basename(model) === name ? model : join(model, name));

async function listFiles(
  weights: Readonly<Record<string, string>>,
  folder: string | undefined,
): Promise<readonly ReadFile[]> {
  return Promise.all(
    Object.entries(weights).map(async ([name, sha256]) => {
      const size = folder === undefined ? undefined : await stat(locate(folder, name)).catch(() => undefined);
      return { name, sha256, ...(size && { bytes: size.size }) };
    }),
  );
}

/** The fields that are known so far. Lists are replaced when they grow, so that one can tell what changed. */
export type Draft = { -readonly [K in keyof Explanation]?: Explanation[K] } & {
  /** The drawing, for findings that compare with it. */
  drawn?: Pixels;
};

/** What handlers need to know of the model. */
export interface FieldOptions {
  /** Where the model's files lie: a folder, or its one file. */
  readonly folder?: string;
  /** Whether it is the model that comes with the package. */
  readonly isEmbedded?: boolean;
  /** Drawings that `nishiki data build` wrote, to look for the nearest training picture. */
  readonly sprites?: string;
  readonly threads?: number;
}

/** The files with their hashes after drawing, as far as they are where the model was loaded from. */
export async function hashAgain(
  files: readonly ReadFile[],
  folder: string | undefined,
): Promise<readonly ReadFile[]> {
  if (folder === undefined) return files;
  return Promise.all(
    files.map(async (file) => {
      const after = await hashFile(locate(folder, file.name)).catch(() => undefined);
      return after === undefined ? file : { ...file, after };
    }),
  );
}

type Handlers = {
  readonly [K in Finding["kind"]]: (
    finding: Extract<Finding, { kind: K }>,
    draft: Draft,
    options: FieldOptions,
  ) => Promise<void> | void;
};

/** Share of a map's maximum from which a cell counts as a word's. */
const cellThreshold = 0.4;

const describeWord =
  ({ height: rows, width: columns }: { readonly height: number; readonly width: number }) =>
  ({ data, height, width, ...word }: WordMap): ExplainedWord => {
    const map = toByteMap(data, height, width);
    const limit = cellThreshold * map.most;
    const places = data.filter((value) => value > 0 && value >= limit).length;
    return { ...word, cells: Math.round((places * rows * columns) / (height * width)), map };
  };

/** The strongest words of each region. */
function describeRegions(maps: readonly WordMap[]): Explanation["regions"] {
  const [first] = maps;
  if (!first) return undefined;
  const { height, width } = first;
  const cells = Array.from({ length: height * width }, (_, cell) => {
    const sum = maps.reduce((total, { data }) => total + data[cell]!, 0);
    const shares = maps.map(({ word, data }) => ({ word, share: sum === 0 ? 0 : data[cell]! / sum }));
    return shares.sort((a, b) => b.share - a.share).slice(0, 3);
  });
  return { height, width, cells };
}

/** What each finding adds. */
export const handlers: Handlers = {
  drawing: async ({ receipt, image, seconds, warnings }, draft, { isEmbedded = false, folder }) => {
    const { prompt, negativePrompt, seed, steps, guidance, sampler } = receipt.request;
    const { name, version, weights } = receipt.model;
    Object.assign(draft, { prompt, negativePrompt, seed, steps, guidance, sampler, seconds, warnings });
    Object.assign(draft, { version: receipt.version, device: receipt.device, runtime: receipt.runtime });
    Object.assign(draft, { width: image.width, height: image.height, image: await toUrl(image) });
    draft.drawn = image;
    draft.model = { name, version, isEmbedded };
    if (isEmbedded) draft.training = embeddedTraining;
    const scores = isEmbedded ? await readScores() : undefined;
    if (scores) draft.skills = scores.skills;
    draft.files = await listFiles(weights, folder);
  },
  tokens: async ({ prompt: { tokens, text, room } }, draft, { isEmbedded = false, sprites, threads }) => {
    draft.tokens = tokens;
    if (room !== undefined) draft.tokenRoom = room;
    if (isEmbedded) draft.neighbours = await listNeighbours(text);
    if (isEmbedded && sprites !== undefined && draft.drawn) {
      const nearest = await findNearest(draft.drawn, text, { sprites, toUrl, ...(threads && { threads }) });
      if (nearest) draft.nearest = nearest;
    }
    if (text !== draft.prompt) draft.encoded = text;
  },
  work: ({ networks }, draft) => {
    draft.networks = networks;
  },
  "word-pull": ({ words }, draft) => {
    draft.wordPulls = words;
  },
  arrow: async ({ kind: _, images, step }, draft) => {
    const urls = images.map(async ({ scale, image }) => ({ scale, image: await toUrl(image) }));
    draft.arrows = [...(draft.arrows ?? []), { step, images: await Promise.all(urls) }];
  },
  switch: async ({ kind: _, images, ...rest }, draft) => {
    const urls = images.map(async ({ step, image }) => ({ step, image: await toUrl(image) }));
    draft.switched = { ...rest, images: await Promise.all(urls) };
  },
  steps: async ({ images, settled }, draft) => {
    draft.settled = settled;
    draft.stepImages = await Promise.all(images.map(toUrl));
  },
  words: ({ maps, regions, negative, latents }, draft) => {
    const cells = describeRegions(regions);
    if (cells) draft.regions = cells;
    const grid = latents ?? maps[0]!;
    draft.latents = { height: grid.height, width: grid.width };
    draft.words = maps.map(describeWord(grid));
    draft.negativeWords = negative.map(describeWord(grid));
  },
  without: async ({ kind: _, image, change, ...word }, draft) => {
    const map = shrink(change, image.height, image.width);
    draft.leftOut = [...(draft.leftOut ?? []), { ...word, image: await toUrl(image), change: map }];
  },
  seeds: async ({ kind: _, images, mean, first, ...numbers }, draft, { isEmbedded, threads }) => {
    const urls = await Promise.all(
      images.map(async ({ seed, image }) => ({ seed, image: await toUrl(image) })),
    );
    const diversity = await measureDiversity(
      images.map(({ image }) => image),
      threads,
    );
    const usualDiversity = isEmbedded ? (await readScores())?.diversity : undefined;
    const usual = usualDiversity && { usualDiversity };
    const compared = { mean: await toUrl(mean), first: await toUrl(first), diversity, ...usual };
    draft.seeds = { images: urls, ...numbers, ...compared };
  },
  guidance: async ({ images }, draft) => {
    draft.scales = await Promise.all(
      images.map(async ({ scale, image }) => ({ scale, image: await toUrl(image) })),
    );
  },
  pull: ({ kind: _, ...pull }, draft) => {
    draft.pull = pull;
  },
};
