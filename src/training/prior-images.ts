// Prior preservation (Ruiz et al. 2022, "DreamBooth", arXiv:2208.12242, section 3.2): before fine-tuning, the
// model draws images for captions like those of its training. Training on them beside the user's images
// preserves what the model knows.
import {
  type CaptionedImage,
  colourNames,
  describeScene,
  firstBackgrounds,
  sceneMix,
  vocabulary,
  wholeCatalogue,
} from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { checkAborted, type ModelManifest, Pipeline } from "../pipeline/index.js";
import { loadParts } from "../pipeline/node.js";
import { readTokenizer } from "./frozen.js";
import type { ImageSource } from "./images.js";

export interface PriorOptions {
  readonly engine: Engine;
  /** The model's folder and manifest. */
  readonly model: string;
  readonly manifest: ModelManifest;
  readonly count: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each image is drawn. */
  onImage?(index: number): void;
}

const mix = sceneMix({
  things: vocabulary.map(({ name }) => name),
  rarer: 0.4,
  colours: colourNames,
  backgrounds: firstBackgrounds,
  styles: {
    "3d": 2,
    flat: 2,
    silhouette: 1,
    woodblock: 1,
    cubist: 1,
    watercolour: 1,
    "pixel art": 1,
    pencil: 1,
  },
});

/** Captions like the embedded model's, short enough for the model's text input. */
async function writeCaptions(count: number, seed: number, maxTokens: number): Promise<string[]> {
  const tokenizer = await readTokenizer(maxTokens);
  const captions: string[] = [];
  for (let index = 0; captions.length < count && index < 100 * count; index++) {
    const { caption } = describeScene(seed, index, mix, wholeCatalogue);
    if (tokenizer.encode(caption).dropped.length === 0) captions.push(caption);
  }
  if (captions.length === count) return captions;
  throw new NishikiError(
    "usage",
    `priorPreservation: no captions fit into the model's ${maxTokens} tokens. Set priorPreservation.share to 0.`,
  );
}

/** A model's images as a source for encoding: image n shows caption n at seed n. */
export async function openPriorImages(options: PriorOptions): Promise<ImageSource> {
  const { manifest, count, seed } = options;
  const captions = await writeCaptions(count, seed, manifest.maxTokens);
  // Few steps draw comparable images in a fraction of the evaluations.
  const { denoiser, fast } = manifest.parts;
  const isFast = (fast ?? manifest.fast) !== undefined;
  return {
    size: manifest.pictureSize,
    count,
    settings: { prior: (fast ?? denoiser).sha256, isFast, images: count },
    problems: [],
    stream: (_, from) => draw(captions, from, isFast, options),
    samples: async () => [],
  };
}

async function* draw(
  captions: readonly string[],
  from: number,
  isFast: boolean,
  { engine: { device, threads }, model, signal, onImage }: PriorOptions,
): AsyncGenerator<CaptionedImage, void, undefined> {
  const pipeline = new Pipeline(await loadParts({ model, device, threads }, signal ? { signal } : {}));
  try {
    for (let index = from; index < captions.length; index++) {
      checkAborted(signal);
      onImage?.(index);
      const caption = captions[index]!;
      const request = { prompt: caption, seed: index, ...(isFast && { fast: true }) };
      for await (const event of pipeline.generate(request, signal ? { signal } : {}))
        if (event.kind === "image") yield { pixels: event.pixels, caption };
    }
  } finally {
    await pipeline.dispose();
  }
}
