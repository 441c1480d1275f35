// Collects the findings about a drawing into one explanation, with images as WebP (node).
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { encodeWebp } from "../image/node.js";
import type { ImageRequest, LoadOptions, Pipeline, Pixels } from "../pipeline/index.js";
import type { WordMap } from "./attribution.js";
import { embeddedTraining } from "./embedded-training.js";
import { type ExplainOptions, explain, type Finding } from "./explain.js";
import type { ByteMap, Energy, Explanation, ImageUrl, LeftOutWord, ReadFile } from "./explanation.js";
import { compareDevices, listDevices } from "./node-devices.js";
import { startEnergy } from "./node-energy.js";
import { findNearest } from "./node-nearest.js";
import { listNeighbours } from "./node-neighbours.js";
import { getOrdinaryPulls } from "./node-ordinary.js";
import { getOrdinaryPrompts } from "./node-ordinary-prompts.js";

export interface ExplanationOptions extends ExplainOptions {
  /** Where the model's files lie, for their sizes. */
  readonly folder?: string;
  /** Whether it is the model that comes with the package. */
  readonly isEmbedded?: boolean;
  /** Compare the prompt's pull with this many ordinary prompts; each costs one step, once for a model. Default 0. */
  readonly ordinaryPrompts?: number;
  /** Drawings that `nishiki data build` wrote, to look for the nearest training picture. */
  readonly sprites?: string;
  readonly threads?: number;
  /** Draw the same seed on every device that is there: each is loaded and draws twice. These are the options to load with. */
  readonly devices?: LoadOptions;
  /** Called after each finding. */
  readonly onFinding?: (kind: Finding["kind"]) => void;
}

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

async function listFiles(
  weights: Readonly<Record<string, string>>,
  folder: string | undefined,
): Promise<readonly ReadFile[]> {
  return Promise.all(
    Object.entries(weights).map(async ([name, sha256]) => {
      const size = folder === undefined ? undefined : await stat(join(folder, name)).catch(() => undefined);
      return { name, sha256, ...(size && { bytes: size.size }) };
    }),
  );
}

type Draft = { -readonly [K in keyof Explanation]?: Explanation[K] } & {
  leftOut: LeftOutWord[];
  /** The drawing, for findings that compare with it. */
  drawn?: Pixels;
};

type Handlers = {
  readonly [K in Finding["kind"]]: (
    finding: Extract<Finding, { kind: K }>,
    draft: Draft,
    options: ExplanationOptions,
  ) => Promise<void> | void;
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

/** Steps of other seeds' drawings with the embedded model: they are looked at small, and compared with each other. */
const quickSteps = 10;

const noAutopsy = { wordPulls: [], arrows: [], neighbours: [] };

/** What each finding adds. */
const handlers: Handlers = {
  drawing: async ({ receipt, image, seconds, warnings }, draft, { isEmbedded = false, folder }) => {
    const { prompt, negativePrompt, seed, steps, guidance, sampler } = receipt.request;
    const { name, version, weights } = receipt.model;
    Object.assign(draft, { prompt, negativePrompt, seed, steps, guidance, sampler, seconds, warnings });
    Object.assign(draft, { version: receipt.version, device: receipt.device, runtime: receipt.runtime });
    Object.assign(draft, { width: image.width, height: image.height, image: await toUrl(image) });
    draft.drawn = image;
    draft.model = { name, version, isEmbedded };
    if (isEmbedded) draft.training = embeddedTraining;
    draft.files = await listFiles(weights, folder);
  },
  tokens: async ({ prompt: { tokens, text } }, draft, { isEmbedded = false, sprites, threads }) => {
    draft.tokens = tokens;
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
  words: ({ maps, regions }, draft) => {
    const cells = describeRegions(regions);
    if (cells) draft.regions = cells;
    draft.words = maps.map(({ data, height, width, ...word }) => ({
      ...word,
      map: toByteMap(data, height, width),
    }));
  },
  without: async ({ kind: _, image, change, ...word }, draft) => {
    const map = shrink(change, image.height, image.width);
    draft.leftOut.push({ ...word, image: await toUrl(image), change: map });
  },
  seeds: async ({ kind: _, images, mean, first, ...numbers }, draft) => {
    const urls = await Promise.all(
      images.map(async ({ seed, image }) => ({ seed, image: await toUrl(image) })),
    );
    draft.seeds = { images: urls, mean: await toUrl(mean), first: await toUrl(first), ...numbers };
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

/**
 * Draws a request and explains it as one piece of data.
 * @throws NishikiError as `generate` does
 */
export async function makeExplanation(
  pipeline: Pipeline,
  request: ImageRequest,
  options: ExplanationOptions = {},
): Promise<Explanation> {
  const draft: Draft = { format: 1, leftOut: [], words: [], scales: [], settled: [], ...noAutopsy };
  const { ordinaryPrompts = 0, isEmbedded = false, signal } = options;
  const ordinary = () =>
    getOrdinaryPulls(pipeline, request, getOrdinaryPrompts(isEmbedded, ordinaryPrompts), signal);
  const seedSteps = isEmbedded ? { seedSteps: quickSteps } : {};
  const stopEnergy = await startEnergy();
  let energy: Energy | undefined;
  for await (const finding of explain(pipeline, request, { ordinary, ...seedSteps, ...options })) {
    energy ??= await stopEnergy();
    await (handlers[finding.kind] as Handlers["work"])(finding as never, draft, options);
    options.onFinding?.(finding.kind);
  }
  const { drawn: _, ...whole } = draft;
  const { device = "cpu" } = draft;
  const devices = options.devices
    ? await compareDevices(request, options.devices, device, signal)
    : listDevices(device, options.threads);
  return { ...whole, energy, devices } as Explanation;
}
