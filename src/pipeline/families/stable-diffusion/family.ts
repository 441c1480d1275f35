// Stable Diffusion as a family: 1.x, 2.x, XL, their inpainting networks, and those distilled to few steps. What goes into
// the networks, and in which order random numbers are drawn, is that of diffusers' pipelines.
import {
  getDenoiser,
  getEarlierLevel,
  getPredictionFrame,
  getSampler,
  type Network,
  planSteps,
  type StepScheduleName,
} from "../../../diffusion/index.js";
import type { Drawing, Inpainting, ModelFamily, PictureCoder, Side } from "../../family.js";
import type { ClipWords } from "../../prompt/encode-clip.js";
import type { LearnedWordName } from "../../prompt/unsupported-syntax.js";
import type { PictureSettings } from "../../request.js";
import { parseSize } from "../../setting-checks.js";
import { f32, floats } from "../../tensors.js";
import { DeepFeatures } from "./deep-features.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import { type Area, decodePreview, PictureNetworks } from "./pictures.js";
import { getVectorWidth, sizeCount, type UnetForm } from "./programs.js";
import type { NetworkKey, SessionShelf } from "./sessions.js";
import { embedGuidance, encodeWords, rowsOf } from "./words.js";

/** The denoiser in one of its forms, with or without borders. */
export function getDenoiserKey(form: UnetForm, tile: boolean): NetworkKey {
  return { stage: "drawing", name: `${tile ? "tiling" : "plain"} ${form} unet` };
}

/** A mask of the picture at the latents' size: the pixel at the upper left of each. */
function shrinkMask(mask: Uint8Array, { height, width }: Area, scale: number): Float32Array {
  return Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return mask[y * scale * width * scale + x * scale]!;
  });
}

/** What an inpainting network sees beside the latents: the mask, and the picture without what is drawn anew. */
function extraChannels(
  { unet, autoencoder: { latentChannels, scale } }: StableDiffusionModel,
  area: Area,
  inpainting: Inpainting | undefined,
): Float32Array {
  if (unet.inChannels === latentChannels) return new Float32Array(0);
  const size = area.height * area.width;
  const extra = new Float32Array((latentChannels + 1) * size);
  if (inpainting) {
    extra.set(shrinkMask(inpainting.mask, area, scale));
    extra.set(inpainting.masked, size);
  } else extra.fill(1, 0, size); // everything is to be drawn, from nothing
  return extra;
}

/** Sizes that XL is told: the original's, what was cropped, the one to draw; heights first. */
function sizesOf({ height, width }: Area, scale: number): Float32Array {
  const [h, w] = [height * scale, width * scale];
  return Float32Array.of(h, w, 0, 0, h, w);
}

class StableDiffusion implements ModelFamily {
  readonly model: ModelFamily["model"];
  readonly context: StableDiffusionModel["context"];
  private readonly parts: StableDiffusionModel;
  private readonly tokenizers: Tokenizers;
  private readonly shelf: SessionShelf;
  private readonly pictures: PictureNetworks;
  private readonly learned: readonly LearnedWordName[];

  constructor(
    parts: StableDiffusionModel,
    tokenizers: Tokenizers,
    shelf: SessionShelf,
    learned: readonly LearnedWordName[],
  ) {
    this.parts = parts;
    this.learned = learned;
    this.tokenizers = tokenizers;
    this.shelf = shelf;
    this.pictures = new PictureNetworks(parts.autoencoder, shelf);
    this.model = { name: parts.name, version: "published" };
    this.context = parts.context;
  }

  async prepare(settings: PictureSettings): Promise<Drawing> {
    const { unet, autoencoder, previewAutoencoder, scheduler } = this.parts;
    const { latentChannels, scale } = autoencoder;
    const { words, warnings } = await encodeWords(
      this.parts,
      this.tokenizers,
      this.shelf,
      settings,
      this.learned,
    );
    const [width, height] = parseSize(settings.size).map((side) => side / scale) as [number, number];
    const area = { height, width };
    const plan = planSteps(scheduler, {
      sampler: getSampler(settings.sampler).name,
      stepSchedule: settings.schedule as StepScheduleName | undefined,
      steps: settings.steps,
    });
    const isEmbedded = unet.timeConditionWidth !== undefined;
    return {
      warnings,
      shape: [latentChannels, height, width],
      sigmas: plan.sigmas,
      noiseScale: plan.noiseScale,
      finalScale: plan.finalScale,
      // Like diffusers, a scale of up to 1 stands for the plain model; a distilled one is told the scale.
      guidance: isEmbedded || settings.guidance <= 1 ? 1 : settings.guidance,
      samplerOptions: { ...plan.options, over: "sigma", earlier: getEarlierLevel(scheduler.schedule) },
      rescaleIn: getPredictionFrame(scheduler.prediction, plan.schedule),
      denoiser: (inpainting) =>
        getDenoiser(scheduler.prediction, this.network(words, area, settings, inpainting), plan.schedule),
      coder: async () => this.coder(area),
      decode: (latents) => this.pictures.decode(latents, area, settings.tile ?? false),
      ...(previewAutoencoder && {
        preview: (latents: Float32Array) => decodePreview(previewAutoencoder, this.shelf, latents, area),
      }),
    };
  }

  private network(
    words: Readonly<Record<Side, ClipWords>>,
    area: Area,
    { guidance, tile = false, reuse = 1 }: PictureSettings,
    inpainting: Inpainting | undefined,
  ): Network<Side> {
    const { unet, autoencoder } = this.parts;
    const { height, width } = area;
    const extra = extraChannels(this.parts, area, inpainting);
    const { tokens } = words.positive;
    const sizes = sizesOf(area, autoencoder.scale);
    const told =
      unet.timeConditionWidth === undefined ? undefined : embedGuidance(guidance, unet.timeConditionWidth);
    const features = reuse > 1 ? new DeepFeatures(reuse) : undefined;
    return async (input, time, sides) => {
      const own = input.length / sides.length;
      const sample = new Float32Array(sides.length * (own + extra.length));
      sides.forEach((_, i) => {
        sample.set(input.subarray(i * own, (i + 1) * own), i * (own + extra.length));
        sample.set(extra, i * (own + extra.length) + own);
      });
      const inputs = {
        sample: f32(sample, sides.length, unet.inChannels, height, width),
        timestep: f32(new Float32Array(sides.length).fill(time), sides.length),
        states: rowsOf(sides, (side) => words[side].states, tokens, unet.crossWidth),
        ...(unet.addition && {
          vector: rowsOf(sides, (side) => words[side].vector!, getVectorWidth(unet.addition)),
          sizes: rowsOf(sides, () => sizes, sizeCount),
        }),
        ...(told && { guidance: rowsOf(sides, () => told, told.length) }),
      };
      const deep = features?.take(sides);
      const form = deep ? "shallow" : features ? "deep" : "whole";
      const given = deep ? { ...inputs, deep } : inputs;
      const found = await this.shelf.use(getDenoiserKey(form, tile), (session) => session.run(given));
      if (form === "deep") features!.keep(sides, found.deep!);
      return floats(found, "prediction");
    };
  }

  private coder(area: Area): PictureCoder {
    const { unet, autoencoder } = this.parts;
    const { latentChannels, scale } = autoencoder;
    const size = area.height * area.width;
    return {
      seesMask: unet.inChannels !== latentChannels,
      encode: (values, normals) => this.pictures.encode(values, area, normals),
      spread: (mask) => {
        const small = shrinkMask(mask, area, scale);
        return Float32Array.from({ length: latentChannels * size }, (_, i) => small[i % size]!);
      },
    };
  }
}

/** A model, its tokenizers, its networks and the words that textual inversions taught it, as a family. */
export function makeStableDiffusion(
  model: StableDiffusionModel,
  tokenizers: Tokenizers,
  shelf: SessionShelf,
  learned: readonly LearnedWordName[] = [],
): ModelFamily {
  return new StableDiffusion(model, tokenizers, shelf, learned);
}
