// What a diffusion starts from: noise alone, or an image under noise, all of it or a part.
//
// Image to image is SDEdit (Meng et al. 2022, arXiv 2108.01073). A network made for inpainting sees mask and image besides
// the latents (Rombach et al. 2022, section 4.5); any other sees the image, under as much noise as the step has, wherever it
// stays, as diffusers' pipelines have it after each step.
import { combine, type Denoiser } from "../diffusion/index.js";
import type { InitImage } from "./init-image.js";
import type { StageNoise } from "./noise.js";
import { fromBytes } from "./pixels.js";
import type { Conditioning, DiffusionStage, ImageEncoder, StageRun, StepPlan } from "./plan.js";

/** An image before the first step of a stage. */
export interface InitialLatents {
  readonly x: Float32Array;
  /** The network, which guidance asks for both kinds of conditioning. */
  readonly network: Denoiser<Conditioning>;
  /** Puts what stays of the image into what the guided network sees and says. */
  readonly around: (guided: Denoiser<Conditioning>) => Denoiser<Conditioning>;
  /** The last latents, with what stays of the image. */
  readonly finish: (latents: Float32Array) => Float32Array;
}

/** The sigmas from where `strength` of the steps are left. */
export function startLater(sigmas: readonly number[], strength: number): readonly number[] {
  const steps = sigmas.length - 1;
  return sigmas.slice(steps - Math.min(steps, Math.trunc(steps * strength)));
}

const everywhere = ({ finalScale = 1 }: StepPlan) => ({
  around: (guided: Denoiser<Conditioning>) => guided,
  finish: (latents: Float32Array) => (finalScale === 1 ? latents : combine([finalScale, latents])),
});

/** Everything of a stage that depends on the image's seed. */
export async function makeInitialLatents(
  { steps, init }: Pick<DiffusionStage, "steps" | "init">,
  run: StageRun,
  noise: StageNoise,
): Promise<InitialLatents> {
  if (!init) {
    const x = combine([steps.noiseScale, noise.initial()]);
    return { x, network: run.denoiser(), ...everywhere(steps) };
  }
  const base = { steps, run, noise, encoder: await init.encoder() };
  const { pixels, mask, pastesBack = true } = init.image;
  return mask ? inpaint(base, { pixels, mask, pastesBack }, init.isFullNoise) : fromImage(base, init.image);
}

interface Base {
  readonly steps: StepPlan;
  readonly run: StageRun;
  readonly noise: StageNoise;
  readonly encoder: ImageEncoder;
}

async function fromImage(
  { steps, run, noise, encoder }: Base,
  { pixels }: InitImage,
): Promise<InitialLatents> {
  const image = await encoder.encode(fromBytes(pixels.data), () => noise.encoding("image"));
  const x = combine([1, image], [steps.sigmas[0]!, noise.initial()]);
  return { x, network: run.denoiser(), ...everywhere(steps) };
}

/** Random numbers are drawn in the order of diffusers' pipelines: image, first noise, masked image. */
async function inpaint(
  { steps, run, noise, encoder }: Base,
  { pixels, mask, pastesBack }: Required<InitImage>,
  isFullNoise: boolean,
): Promise<InitialLatents> {
  const { sigmas, noiseScale, finalScale = 1, getMaskSigma = (sigma: number) => sigma } = steps;
  const rule = pastesBack ? "any" : "corner";
  const values = fromBytes(pixels.data);
  const needsImage = !(encoder.takesMask && isFullNoise);
  const image = needsImage ? await encoder.encode(values, () => noise.encoding("image")) : undefined;
  const first = noise.initial();
  const x = isFullNoise ? combine([noiseScale, first]) : combine([1, image!], [sigmas[0]!, first]);
  if (encoder.takesMask) {
    const grey = values.map((value, i) => (mask[Math.floor(i / 3)] === 1 ? 0 : value));
    const masked = await encoder.encode(grey, () => noise.encoding("masked image"));
    return { x, network: run.denoiser({ mask, rule, masked }), ...everywhere(steps) };
  }
  noise.encoding("masked image"); // drawn for these networks too, and not used
  const start = isFullNoise ? { sigma: sigmas[0]!, scale: noiseScale } : undefined;
  const staying = {
    mask: encoder.resizeMask(mask, rule),
    image: image!,
    noise: first,
    start,
    finalScale,
    getMaskSigma,
  };
  return { x, network: run.denoiser(), ...keepOutside(staying) };
}

interface Staying {
  /** For each number of the latents: 1 where it is redrawn. */
  readonly mask: Float32Array;
  readonly image: Float32Array;
  readonly noise: Float32Array;
  /** Where all starts as noise alone, the first step sees nothing of the image. */
  readonly start: { readonly sigma: number; readonly scale: number } | undefined;
  readonly finalScale: number;
  readonly getMaskSigma: (sigma: number) => number;
}

/**
 * Outside of the mask the network sees the image under the step's noise, whatever the sampler has there, and is taken to
 * expect just the image. Samplers never mix positions, so this is what blending after each step gives.
 */
function keepOutside({
  mask,
  image,
  noise,
  start,
  finalScale,
  getMaskSigma,
}: Staying): Pick<InitialLatents, "around" | "finish"> {
  const blend = (inside: Float32Array, outside: Float32Array) =>
    inside.map((value, i) => mask[i]! * value + (1 - mask[i]!) * outside[i]!);
  const outsideAt = (sigma: number) =>
    sigma === start?.sigma
      ? combine([start.scale, noise])
      : combine([1, image], [getMaskSigma(sigma), noise]);
  return {
    around: (guided) => async (x, sigma, conditions, signal) =>
      blend(await guided(blend(x, outsideAt(sigma)), sigma, conditions, signal), image),
    finish: (latents) => blend(combine([finalScale, latents]), image),
  };
}
