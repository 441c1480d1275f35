// What the sampler starts from: noise alone, or a picture under noise, all of it or a part.
//
// Picture to picture is SDEdit (Meng et al. 2022, arXiv 2108.01073). A network made for inpainting sees mask and picture
// besides the latents (Rombach et al. 2022, section 4.5); any other sees the picture, under as much noise as the step
// has, wherever it shall stay, as diffusers' pipelines have it after each step.
import { combine, type Denoiser } from "../diffusion/index.js";
import type { Canvas } from "./canvas.js";
import type { Drawing, PictureCoder, Side } from "./family.js";
import { makePictureNoise, mixNoise, type PictureNoise } from "./noise.js";
import { fromBytes } from "./pixels.js";
import type { PictureSettings } from "./request.js";

/** One picture's way, before its first step. */
export interface Beginning {
  readonly x: Float32Array;
  readonly sigmas: readonly number[];
  readonly noise: PictureNoise;
  /** The network, for guidance to ask both sides of. */
  readonly network: Denoiser<Side>;
  /** Puts what stays of the picture into what the guided network sees and says. */
  readonly around: (guided: Denoiser<Side>) => Denoiser<Side>;
  /** The last latents, with what stays of the picture. */
  readonly finish: (latents: Float32Array) => Float32Array;
}

interface Seeds {
  readonly seed: number;
  readonly variationSeed?: number;
}

/** Seeds of picture `index`: variations of one picture share its seed. */
export function seedsOf({ seed, variationSeed, variationStrength }: PictureSettings, index: number): Seeds {
  if (variationSeed === undefined) return { seed: seed + index };
  return variationStrength
    ? { seed, variationSeed: variationSeed + index }
    : { seed: seed + index, variationSeed };
}

/** The sigmas from where `strength` of the steps are left. */
export function startLater(sigmas: readonly number[], strength: number): readonly number[] {
  const steps = sigmas.length - 1;
  return sigmas.slice(steps - Math.min(steps, Math.trunc(steps * strength)));
}

const everywhere = ({ finalScale }: Drawing) => ({
  around: (guided: Denoiser<Side>) => guided,
  finish: (latents: Float32Array) => (finalScale === 1 ? latents : combine([finalScale, latents])),
});

/** Everything of picture `index` that depends on its seed. */
export async function begin(
  drawing: Drawing,
  settings: PictureSettings,
  index: number,
  canvas: Canvas | undefined,
): Promise<Beginning> {
  const { rng = "nishiki", variationStrength = 0 } = settings;
  const { seed, variationSeed } = seedsOf(settings, index);
  const noise = makePictureNoise(rng, seed, drawing.shape);
  const initial = () => {
    if (variationSeed === undefined || variationStrength === 0) return noise.initial();
    const other = makePictureNoise(rng, variationSeed, drawing.shape);
    return mixNoise(noise.initial(), other.initial(), variationStrength, drawing.shape);
  };
  if (!canvas) {
    const x = combine([drawing.noiseScale, initial()]);
    return { x, sigmas: drawing.sigmas, noise, network: drawing.denoiser(), ...everywhere(drawing) };
  }
  const sigmas = startLater(drawing.sigmas, settings.strength!);
  const base = { drawing, coder: await drawing.coder(), sigmas, noise, initial };
  if (!canvas.mask) return fromPicture(base, canvas);
  const isAnew = settings.strength === 1;
  return paint(base, { ...canvas, mask: canvas.mask }, isAnew);
}

interface Base {
  readonly drawing: Drawing;
  readonly coder: PictureCoder;
  readonly sigmas: readonly number[];
  readonly noise: PictureNoise;
  readonly initial: () => Float32Array;
}

async function fromPicture(
  { drawing, coder, initial, ...base }: Base,
  { pixels }: Canvas,
): Promise<Beginning> {
  const image = await coder.encode(fromBytes(pixels.data), () => base.noise.encoding("image"));
  const x = combine([1, image], [base.sigmas[0]!, initial()]);
  return { x, ...base, network: drawing.denoiser(), ...everywhere(drawing) };
}

/** Random numbers are drawn in the order of diffusers' pipelines: picture, first noise, masked picture. */
async function paint(
  { drawing, coder, initial, ...base }: Base,
  { pixels, mask }: Canvas & { readonly mask: Uint8Array },
  isAnew: boolean,
): Promise<Beginning> {
  const { sigmas, noise } = base;
  const values = fromBytes(pixels.data);
  const seesMask = coder.seesMask && isAnew;
  const image = seesMask ? undefined : await coder.encode(values, () => noise.encoding("image"));
  const first = initial();
  const x = isAnew ? combine([drawing.noiseScale, first]) : combine([1, image!], [sigmas[0]!, first]);
  if (coder.seesMask) {
    const grey = values.map((value, i) => (mask[Math.floor(i / 3)] === 1 ? 0 : value));
    const masked = await coder.encode(grey, () => noise.encoding("masked image"));
    return { x, ...base, network: drawing.denoiser({ mask, masked }), ...everywhere(drawing) };
  }
  noise.encoding("masked image"); // drawn for these networks too, and not used
  const start = isAnew ? { sigma: sigmas[0]!, scale: drawing.noiseScale } : undefined;
  const { finalScale } = drawing;
  const staying = { mask: coder.spread(mask), image: image!, noise: first, start, finalScale };
  return { x, ...base, network: drawing.denoiser(), ...keepOutside(staying) };
}

interface Staying {
  /** For each number of the latents: 1 where it is drawn anew. */
  readonly mask: Float32Array;
  readonly image: Float32Array;
  readonly noise: Float32Array;
  /** Where all begins as noise alone, the first step sees nothing of the picture. */
  readonly start: { readonly sigma: number; readonly scale: number } | undefined;
  readonly finalScale: number;
}

/**
 * Outside of the mask the network sees the picture under the step's noise, whatever the sampler has there, and is taken to
 * expect just the picture. Samplers never mix places, so that this is what blending after each step gives.
 */
function keepOutside({
  mask,
  image,
  noise,
  start,
  finalScale,
}: Staying): Pick<Beginning, "around" | "finish"> {
  const blend = (inside: Float32Array, outside: Float32Array) =>
    inside.map((value, i) => mask[i]! * value + (1 - mask[i]!) * outside[i]!);
  const outsideAt = (sigma: number) =>
    sigma === start?.sigma ? combine([start.scale, noise]) : combine([1, image], [sigma, noise]);
  return {
    around: (guided) => async (x, sigma, sides, signal) =>
      blend(await guided(blend(x, outsideAt(sigma)), sigma, sides, signal), image),
    finish: (latents) => blend(combine([finalScale, latents]), image),
  };
}
