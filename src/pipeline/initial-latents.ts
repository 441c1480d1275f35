// The initial latents of a diffusion: pure noise, or a noised init image, for all of the image or inside a mask.
//
// Image to image is SDEdit (Meng et al. 2022, arXiv 2108.01073). An inpainting network takes the mask and the masked image as
// extra channels (Rombach et al. 2022, section 4.5). For any other network, the area outside the mask is replaced by the init
// image at the current noise level, as diffusers' pipelines do after each step.
import { combine, type Denoiser } from "../diffusion/index.js";
import type { InitImage, LatentFill } from "./init-image.js";
import type { StageNoise } from "./noise.js";
import { fromBytes } from "./pixels.js";
import type { Conditioning, DiffusionStage, ImageEncoder, StageRun, StepPlan } from "./plan.js";

/** The state of an image before the first step of a stage. */
export interface InitialLatents {
  readonly x: Float32Array;
  /** The denoiser that guidance calls with both kinds of conditioning. */
  readonly network: Denoiser<Conditioning>;
  /** Wraps the guided denoiser so that its input and output hold the init image outside the mask. */
  readonly around: (guided: Denoiser<Conditioning>) => Denoiser<Conditioning>;
  /** Completes the last latents: outside the mask they are those of the init image. */
  readonly finish: (latents: Float32Array) => Float32Array;
}

/** The sigmas of the last `strength` share of the steps. */
export function startLater(sigmas: readonly number[], strength: number): readonly number[] {
  const steps = sigmas.length - 1;
  return sigmas.slice(steps - Math.min(steps, Math.trunc(steps * strength)));
}

const everywhere = ({ finalScale = 1 }: StepPlan) => ({
  around: (guided: Denoiser<Conditioning>) => guided,
  finish: (latents: Float32Array) => (finalScale === 1 ? latents : combine([finalScale, latents])),
});

/** Prepares everything in a stage that depends on the image's seed. */
export async function makeInitialLatents(
  { steps, init }: Pick<DiffusionStage, "steps" | "init">,
  run: StageRun,
  noise: StageNoise,
): Promise<InitialLatents> {
  if (run.begin) return { x: await run.begin(noise), network: run.denoiser(), ...everywhere(steps) };
  if (run.latents) {
    const latents = await run.latents(noise);
    const x = combine([1, latents], [steps.sigmas[0]!, noise.initial()]);
    return { x, network: run.denoiser(), ...everywhere(steps) };
  }
  if (!init) {
    const x = combine([steps.noiseScale, noise.initial()]);
    run.drawCondition?.(noise);
    return { x, network: run.denoiser(), ...everywhere(steps) };
  }
  const base = { steps, run, noise, encoder: await init.encoder() };
  const { mask } = init.image;
  return mask ? inpaint(base, { ...init.image, mask }, init.isFullNoise) : fromImage(base, init.image);
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
  run.drawCondition?.(noise);
  return { x, network: run.denoiser(), ...everywhere(steps) };
}

/** Draws random numbers in the order of diffusers' pipelines: image, initial noise, masked image. */
async function inpaint(
  { steps, run, noise, encoder }: Base,
  { pixels, mask, pastesBack = true, latentFill }: InitImage & Required<Pick<InitImage, "mask">>,
  isFullNoise: boolean,
): Promise<InitialLatents> {
  const { sigmas, noiseScale, finalScale = 1 } = steps;
  const { getMaskSigma = (sigma: number) => sigma, getMaskScale = () => 1 } = steps;
  const rule = pastesBack ? "any" : "corner";
  const values = fromBytes(pixels.data);
  const needsImage = !(encoder.takesMask && isFullNoise);
  const image = needsImage ? await encoder.encode(values, () => noise.encoding("image")) : undefined;
  const first = noise.initial();
  run.drawCondition?.(noise);
  const cells = encoder.resizeMask(mask, rule);
  const begin = () => fillLatents(image!, first, cells, latentFill);
  const x = isFullNoise ? combine([noiseScale, first]) : combine([1, begin()], [sigmas[0]!, first]);
  if (encoder.takesMask) {
    const grey = values.map((value, i) => (mask[Math.floor(i / 3)] === 1 ? 0 : value));
    const masked = await encoder.encode(grey, () => noise.encoding("masked image"));
    return { x, network: run.denoiser({ mask, rule, masked }), ...everywhere(steps) };
  }
  // diffusers draws these numbers for plain networks too, unused.
  if (encoder.drawsForMasked !== false) noise.encoding("masked image");
  const start = isFullNoise ? { sigma: sigmas[0]!, scale: noiseScale } : undefined;
  const outside = {
    mask: cells,
    image: image!,
    noise: first,
    start,
    finalScale,
    getMaskSigma,
    getMaskScale,
  };
  return { x, network: run.denoiser(), ...keepOutside(outside) };
}

/** The image's latents with those inside the mask replaced. Like webui, noise is the initial noise once more. */
function fillLatents(
  image: Float32Array,
  noise: Float32Array,
  mask: Float32Array,
  fill: LatentFill | undefined,
): Float32Array {
  if (fill === undefined) return image;
  return image.map((value, i) => (mask[i] === 0 ? value : fill === "noise" ? noise[i]! : 0));
}

interface OutsideMask {
  /** For each element of the latents: 1 where it is redrawn. */
  readonly mask: Float32Array;
  readonly image: Float32Array;
  readonly noise: Float32Array;
  /** Set if the diffusion starts from pure noise: the first step then sees nothing of the image. */
  readonly start: { readonly sigma: number; readonly scale: number } | undefined;
  readonly finalScale: number;
  readonly getMaskSigma: (sigma: number) => number;
  readonly getMaskScale: (sigma: number) => number;
}

/**
 * Outside the mask, the network's input is the init image at the step's noise level, and its prediction is the init image.
 * Samplers work elementwise, so the result equals blending after each step.
 */
function keepOutside({
  mask,
  image,
  noise,
  start,
  finalScale,
  getMaskSigma,
  getMaskScale,
}: OutsideMask): Pick<InitialLatents, "around" | "finish"> {
  const blend = (inside: Float32Array, outside: Float32Array) =>
    inside.map((value, i) => mask[i]! * value + (1 - mask[i]!) * outside[i]!);
  const outsideAt = (sigma: number) =>
    sigma === start?.sigma
      ? combine([start.scale, noise])
      : combine([getMaskScale(sigma), image], [getMaskSigma(sigma), noise]);
  return {
    around: (guided) => async (x, sigma, conditions, signal) =>
      blend(await guided(blend(x, outsideAt(sigma)), sigma, conditions, signal), image),
    finish: (latents) => blend(combine([finalScale, latents]), image),
  };
}
