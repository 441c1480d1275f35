// Stable Diffusion as a family: 1.x, 2.x, XL, their inpainting networks, and those distilled to few steps. What goes into
// the networks, and in which order random numbers are drawn, is that of diffusers' pipelines.
import {
  getDenoiser,
  getPredictionFrame,
  getSampler,
  type Network,
  planSteps,
  type StepScheduleName,
} from "../../diffusion/index.js";
import type { Drawing, Inpainting, ModelFamily, PictureCoder, Side } from "../family.js";
import type { Pixels } from "../pixels.js";
import { toBytes } from "../pixels.js";
import type { ClipWords } from "../prompt/encode-clip.js";
import type { PictureSettings } from "../request.js";
import { parseSize } from "../setting-checks.js";
import { f32, floats } from "../tensors.js";
import { latentScaleOf, type StableDiffusionModel, type Tokenizers } from "./model.js";
import { getVectorWidth, sizeCount } from "./programs.js";
import type { NetworkKey, SessionShelf } from "./sessions.js";
import { embedGuidance, encodeWords, rowsOf } from "./words.js";

/** The networks that work on pictures; tiling ones know no border. */
export const networkKeys = {
  unet: { stage: "drawing", name: "unet" },
  "tiling unet": { stage: "drawing", name: "tiling unet" },
  decoder: { stage: "pixels", name: "decoder" },
  "tiling decoder": { stage: "pixels", name: "tiling decoder" },
  encoder: { stage: "pixels", name: "encoder" },
} as const satisfies Record<string, NetworkKey>;

/** Height and width of the latents. */
interface Area {
  readonly height: number;
  readonly width: number;
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
  { unet, vae, scale }: StableDiffusionModel,
  area: Area,
  inpainting: Inpainting | undefined,
): Float32Array {
  const { latentChannels } = vae;
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

  constructor(parts: StableDiffusionModel, tokenizers: Tokenizers, shelf: SessionShelf) {
    this.parts = parts;
    this.tokenizers = tokenizers;
    this.shelf = shelf;
    this.model = { name: parts.name, version: "published" };
    this.context = parts.context;
  }

  async prepare(settings: PictureSettings): Promise<Drawing> {
    const { unet, vae, scheduler, scale } = this.parts;
    const { words, warnings } = await encodeWords(this.parts, this.tokenizers, this.shelf, settings);
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
      shape: [vae.latentChannels, height, width],
      sigmas: plan.sigmas,
      noiseScale: plan.noiseScale,
      finalScale: plan.finalScale,
      // Like diffusers, a scale of up to 1 stands for the plain model; a distilled one is told the scale.
      guidance: isEmbedded || settings.guidance <= 1 ? 1 : settings.guidance,
      rescaleIn: getPredictionFrame(scheduler.prediction, plan.schedule),
      denoiser: (inpainting) =>
        getDenoiser(scheduler.prediction, this.network(words, area, settings, inpainting), plan.schedule),
      coder: async () => this.coder(area),
      decode: (latents) => this.decode(latents, area, settings.tile ?? false),
    };
  }

  private network(
    words: Readonly<Record<Side, ClipWords>>,
    area: Area,
    { guidance, tile = false }: PictureSettings,
    inpainting: Inpainting | undefined,
  ): Network<Side> {
    const { unet, scale } = this.parts;
    const { height, width } = area;
    const extra = extraChannels(this.parts, area, inpainting);
    const { tokens } = words.positive;
    const sizes = sizesOf(area, scale);
    const told =
      unet.timeConditionWidth === undefined ? undefined : embedGuidance(guidance, unet.timeConditionWidth);
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
      const key = networkKeys[tile ? "tiling unet" : "unet"];
      const found = await this.shelf.use(key, (session) => session.run(inputs));
      return floats(found, "prediction");
    };
  }

  private coder(area: Area): PictureCoder {
    const { unet, vae, scale } = this.parts;
    const { factor, offset } = latentScaleOf(this.parts);
    const size = area.height * area.width;
    const encode = async (values: Float32Array, normals: () => Float32Array) => {
      const places = values.length / 3;
      const planes = values.map((_, i) => values[(i % places) * 3 + Math.floor(i / places)]!);
      const pixels = f32(planes, 1, 3, area.height * scale, area.width * scale);
      const found = await this.shelf.use(networkKeys.encoder, (session) => session.run({ pixels }));
      const [mean, logVariance] = [floats(found, "mean"), floats(found, "logVariance")];
      const noise = normals();
      return mean.map((value, i) => {
        const channel = Math.floor(i / size);
        const drawn = value + Math.exp(logVariance[i]! / 2) * noise[i]!;
        return (drawn - offset[channel]!) / factor[channel]!;
      });
    };
    const spread = (mask: Uint8Array) => {
      const small = shrinkMask(mask, area, scale);
      return Float32Array.from({ length: vae.latentChannels * size }, (_, i) => small[i % size]!);
    };
    return { seesMask: unet.inChannels !== vae.latentChannels, encode, spread };
  }

  private async decode(latents: Float32Array, { height, width }: Area, tile: boolean): Promise<Pixels> {
    const { vae, scale } = this.parts;
    const { factor, offset } = latentScaleOf(this.parts);
    const size = height * width;
    const raw = latents.map((value, i) => {
      const channel = Math.floor(i / size);
      return value * factor[channel]! + offset[channel]!;
    });
    const inputs = { latents: f32(raw, 1, vae.latentChannels, height, width) };
    const key = networkKeys[tile ? "tiling decoder" : "decoder"];
    const found = await this.shelf.use(key, (session) => session.run(inputs));
    const planes = floats(found, "pixels");
    const places = planes.length / 3;
    const values = planes.map((_, i) => planes[(i % 3) * places + Math.floor(i / 3)]!);
    return { width: width * scale, height: height * scale, channels: 3, data: toBytes(values) };
  }
}

/** A model, its tokenizers and its networks as a family. */
export function makeStableDiffusion(
  model: StableDiffusionModel,
  tokenizers: Tokenizers,
  shelf: SessionShelf,
): ModelFamily {
  return new StableDiffusion(model, tokenizers, shelf);
}
