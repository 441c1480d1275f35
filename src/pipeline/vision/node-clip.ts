// A whole CLIP at work on this machine (node): how like an image is to a text.
import { openClip } from "../../checkpoint/node.js";
import type { DeviceName } from "../../engine/index.js";
import { makeEngine } from "../../engine/node.js";
import { listSome, NishikiError } from "../../errors.js";
import { formatShape, type Program } from "../../graph/index.js";
import { resolveModel } from "../../hub/index.js";
import { readClipTextConfig } from "../../models/index.js";
import { loadClipFolder } from "../../tokenizer/node.js";
import type { InputImage } from "../pixels.js";
import { withLength } from "./blend.js";
import { encodeImages, readImageEncoder } from "./image-encoder.js";
import { traceImageEncoder } from "./program.js";
import { embedTexts, traceTextEmbedding } from "./text-embedding.js";

/** A loaded CLIP. Embeddings have length 1, so that a product of two is the cosine between them. */
export interface Clip {
  /** The factor of cosines before a softmax over texts. */
  readonly scale: number;
  embedImages(images: readonly InputImage[]): Promise<Float32Array[]>;
  /** @throws NishikiError "usage" for a text of more than 75 tokens */
  embedTexts(texts: readonly string[]): Promise<Float32Array[]>;
  /** Frees its memory. */
  close(): Promise<void>;
}

export interface ClipOptions {
  readonly device?: DeviceName;
  readonly threads?: number;
}

/** @throws NishikiError "checkpoint" */
function checkWeights(
  folder: string,
  { parameters }: Program,
  weights: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const problems = parameters.flatMap(({ name, shape }) => {
    const actual = weights.get(name)?.shape;
    if (actual?.join() === shape.join()) return [];
    return [
      actual
        ? `"${name}" is ${formatShape(actual)} and should be ${formatShape(shape)}`
        : `it has no "${name}"`,
    ];
  });
  if (problems.length > 0)
    throw new NishikiError(
      "checkpoint",
      `${folder} does not fit its config: ${listSome(problems, 4, "; ")}.`,
    );
}

/**
 * Loads a CLIP: a folder of a `CLIPModel`, or org/name in the hub's cache.
 * @throws NishikiError "file", "checkpoint", "device"
 */
export async function loadClip(model: string, { device = "auto", threads }: ClipOptions = {}): Promise<Clip> {
  const { encoder, text, scale, folder } = await openClip(await resolveModel(model));
  const vision = readImageEncoder(encoder.config, encoder.processor);
  const config = readClipTextConfig(text.config);
  const programs = { images: traceImageEncoder(vision.config), texts: traceTextEmbedding(config) };
  checkWeights(folder, programs.images, encoder.weights);
  checkWeights(folder, programs.texts, text.weights);
  const embedder = { config, tokenizer: await loadClipFolder(folder) };
  const engine = makeEngine({ device, ...(threads !== undefined && { threads }) });
  const inPlace = engine.device === "cpu";
  const open = (program: Program, weights: typeof text.weights) => {
    let session: ReturnType<typeof engine.load> | undefined;
    return async () => {
      session ??= engine.load(program, { weights, inPlace });
      return session;
    };
  };
  const [images, texts] = [open(programs.images, encoder.weights), open(programs.texts, text.weights)];
  const normalize = (all: readonly Float32Array[]) => all.map((values) => withLength(values, 1));
  return {
    scale,
    embedImages: async (all) =>
      normalize(await encodeImages(vision, all, "embedding", async (_, work) => work(await images()))),
    embedTexts: async (all) =>
      normalize(await embedTexts(embedder, all, async (work) => work(await texts()))),
    close: () => engine.close(),
  };
}
