// The models that Nishiki trains, including the embedded one: MiniLM text embeddings and rectified flow over channels-last
// latents.
import { type Denoiser, getSampler, getStepSchedule } from "../../../diffusion/index.js";
import type { HostTensor } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import type { Tokenizer } from "../../../tokenizer/index.js";
import type { Watch } from "../../cancel.js";
import { type ImageSettings, type OptionalSetting, upscaleNames } from "../../image-request.js";
import { makeInitImage } from "../../init-image.js";
import { startLater } from "../../initial-latents.js";
import { enlargeByLanczos } from "../../lanczos.js";
import { makePasteStage } from "../../paste-stage.js";
import { toBytes } from "../../pixels.js";
import {
  type Conditioning,
  type DiffusionStage,
  getStopAfter,
  type ImageEncoder,
  type Model,
  type Plan,
  type Stage,
  type TransformStage,
} from "../../plan.js";
import { type Probe, reportAttention } from "../../probe.js";
import { getOf, getPartWeights } from "../../prompt/composition.js";
import { getTimeLeft, makeConditionNoise } from "../../prompt/condition-noise.js";
import { getScheduledPart, getStepAt } from "../../prompt/prompt-editing.js";
import {
  getDrawnSize,
  getEnlargingFactor,
  type ImageSizes,
  type RequestContext,
  type RequestDefaults,
} from "../../request-context.js";
import { formatSize } from "../../request-values.js";
import type { Runtime } from "../../runtime.js";
import type { LazySession } from "../../session-pool.js";
import { getImageValues, getValues } from "../../stage-results.js";
import type { KnownWords } from "./known-words.js";
import type { ModelManifest } from "./manifest.js";
import {
  decodePixels,
  encodePixels,
  getSchedule,
  makeDenoiser,
  type NetworkSessions,
  type PromptEmbeddings,
  resizeLatentMask,
} from "./networks.js";
import { seesPlacement } from "./programs.js";
import { type EncodedPrompts, encodePrompts } from "./prompts.js";
import { makeDoublingStage } from "./super-resolution.js";
import { getNishikiWork } from "./work.js";

/** The parts of a loaded model folder. */
export interface NishikiParts {
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  /** Opens the sessions of its networks for one request. */
  readonly open: (watch: Watch) => NetworkSessions;
  /** Whether its weights include the autoencoder's encoder. */
  readonly hasEncoder: boolean;
  /** The vocabulary of its training captions. */
  readonly words?: KnownWords;
}

const always = ["schedule", "eta", "rng", "variation", "upscale", "stopAt", "promptSpread", "cads"] as const;
const withEncoder = ["init", "inpaint"] as const;

/** The limits and defaults of such a model: it draws one size, and enlarges it two or four times. */
export function getNishikiContext(
  { defaults, fast: fewSteps, pictureSize, parts }: ModelManifest,
  { hasEncoder }: { readonly hasEncoder: boolean },
): RequestContext {
  const student = parts.fast && { steps: parts.fast.steps, guidance: 1, sampler: "euler" };
  const fast = student ?? fewSteps;
  const takes: readonly OptionalSetting[] = [
    ...always,
    ...(hasEncoder ? withEncoder : []),
    ...(parts.superResolution ? (["upscaleSampler"] as const) : []),
    ...(fast ? (["fast"] as const) : []),
  ];
  const ways = parts.superResolution ? upscaleNames : (["lanczos"] as const);
  const usual = { width: pictureSize, height: pictureSize };
  const sizes: ImageSizes = { usual, enlarging: { factors: [2, 4], ways } };
  const check = (settings: ImageSettings) => {
    const { inpaint, size, upscale, upscaleSampler } = settings;
    if (upscaleSampler !== undefined && upscale !== "super-resolution") {
      const cure = `requires a size above ${formatSize(usual)} drawn by super-resolution`;
      throw new NishikiError("usage", `upscaleSampler: ${cure}.`);
    }
    if (settings.fast && student) checkStudent(settings, student);
    // The part would be pasted before it is enlarged.
    if (inpaint?.onlyMasked === undefined || getEnlargingFactor(sizes, size) === undefined) return;
    const expected = `expected ${formatSize(usual)} with inpaint.onlyMasked`;
    throw new NishikiError("usage", `size: ${expected}, got ${formatSize(size)}.`);
  };
  return { defaults, sizes, takes, composesPrompts: true, check, ...(fast && { fast }) };
}

/** Rejects settings that a distilled network cannot change. @throws NishikiError "usage" */
function checkStudent(settings: ImageSettings, fast: RequestDefaults): void {
  for (const name of ["steps", "guidance", "sampler"] as const) {
    if (settings[name] === fast[name]) continue;
    const how = `${fast.steps} steps of ${fast.sampler} without guidance`;
    throw new NishikiError(
      "usage",
      `${name}: the fast network draws in ${how}, got ${settings[name]}. Omit ${name}, or fast.`,
    );
  }
  if (settings.negativePrompt === "" && settings.schedule === undefined) return;
  const name = settings.negativePrompt === "" ? "schedule" : "negativePrompt";
  throw new NishikiError("usage", `${name}: the fast network does not support it. Omit ${name}, or fast.`);
}

/** Makes the pipeline's model from a loaded model folder. */
export function makeNishikiModel(parts: NishikiParts): Model {
  const { manifest, hasEncoder } = parts;
  const context = getNishikiContext(manifest, { hasEncoder });
  return {
    identity: manifest,
    context,
    prepare: (settings, runtime) => prepare(parts, context, settings, runtime),
    getWork: (settings) =>
      getNishikiWork(manifest, settings, getEnlargingFactor(context.sizes, settings.size)),
  };
}

async function prepare(
  parts: NishikiParts,
  { sizes }: RequestContext,
  settings: ImageSettings,
  runtime: Runtime,
): Promise<Plan> {
  const { manifest } = parts;
  const sessions = parts.open(runtime);
  const student = settings.fast ? manifest.parts.fast : undefined;
  const sigmas = getSigmas(manifest, settings);
  runtime.onProgress?.({ kind: "encode", stage: "prompt" });
  const { embeddings, tokens, warnings } = await encodePrompts(
    parts,
    sessions,
    settings,
    sigmas.taken.length - 1,
    runtime.signal,
  );
  runtime.probe?.onTokens?.(tokens);
  const hasPlacement = seesPlacement((student ?? manifest.parts.denoiser).config);
  const denoise = (seed: number) => {
    const prompts = getPrompts(embeddings, settings, sigmas, seed);
    return student
      ? withPrompts(makeDenoiser(getFewStep(sessions), manifest, hasPlacement), prompts)
      : makeMainDenoiser(manifest, sessions, hasPlacement, prompts, runtime.probe);
  };
  const drawn = { ...settings, size: getDrawnSize(sizes, settings.size) };
  const base = makeBaseStage(manifest, sessions, drawn, sigmas, denoise);
  const decode: TransformStage = {
    kind: "transform",
    name: "decode",
    run: async ({ last }) => ({
      kind: "pixels",
      pixels: await decodePixels(sessions.decoder, manifest, getValues(last)),
    }),
  };
  const factor = getEnlargingFactor(sizes, settings.size);
  const paste = makePasteStage(drawn);
  const larger = factor === undefined ? [] : makeEnlarging(sessions, manifest.pictureSize, factor, settings);
  return { warnings, stages: [base, decode, ...paste, ...larger] };
}

/** The prompt that holds at a noise level. */
type Prompts = (conditioning: Conditioning, sigma: number) => PromptEmbeddings;

/** The prompts of the image with this seed. */
function getPrompts(
  embeddings: EncodedPrompts["embeddings"],
  settings: ImageSettings,
  { all, taken }: Sigmas,
  seed: number,
): Prompts {
  const change = makeConditionNoise(settings, seed);
  return (conditioning, sigma) => {
    const step = getStepAt(taken, sigma);
    const prompt = getScheduledPart(getOf(embeddings, conditioning), step);
    if (!change) return prompt;
    const { states, mask } = prompt;
    const width = states.length / mask.length;
    const isUsed = (index: number) => mask[Math.floor(index / width)] === 1;
    const timeLeft = getTimeLeft(step, taken.length - 1, all.length - 1);
    return { ...prompt, states: change(states, { conditioning, part: "states", step, timeLeft, isUsed }) };
  };
}

/** A denoiser that is conditioned by name. */
const withPrompts =
  (network: Denoiser<PromptEmbeddings>, prompts: Prompts): Denoiser<Conditioning> =>
  (x, sigma, conditions, signal) =>
    network(
      x,
      sigma,
      conditions.map((conditioning) => prompts(conditioning, sigma)),
      signal,
    );

function makeMainDenoiser(
  manifest: ModelManifest,
  { denoiser, observedDenoiser }: NetworkSessions,
  hasPlacement: boolean,
  prompts: Prompts,
  probe: Probe | undefined,
): Denoiser<Conditioning> {
  if (!probe?.onAttention) return withPrompts(makeDenoiser(denoiser, manifest, hasPlacement), prompts);
  const [height, width] = manifest.latents.shape;
  return (x, sigma, conditions, signal) => {
    const report = (outputs: Readonly<Record<string, HostTensor>>, time: number) =>
      reportAttention(probe, outputs, { time, conditions, latents: { height, width } });
    const network = makeDenoiser(observedDenoiser, manifest, hasPlacement, report);
    return withPrompts(network, prompts)(x, sigma, conditions, signal);
  };
}

function getFewStep({ fewStep }: NetworkSessions): LazySession {
  if (fewStep) return fewStep;
  throw new NishikiError("internal", "The model has no few-step denoiser.");
}

/** Noise levels: of the whole schedule, and of the steps that are taken. */
interface Sigmas {
  readonly all: readonly number[];
  readonly taken: readonly number[];
}

function getSigmas(manifest: ModelManifest, { schedule, steps, init }: ImageSettings): Sigmas {
  const all = getStepSchedule(schedule ?? "simple").getSigmas(steps, getSchedule(manifest));
  return { all, taken: init ? startLater(all, init.strength) : all };
}

function makeBaseStage(
  manifest: ModelManifest,
  sessions: NetworkSessions,
  settings: ImageSettings,
  { all, taken }: Sigmas,
  denoise: (seed: number) => Denoiser<Conditioning>,
): DiffusionStage {
  const image = makeInitImage(settings);
  return {
    kind: "diffusion",
    name: "base",
    shape: manifest.latents.shape,
    steps: {
      sampler: getSampler(settings.sampler).sample,
      sigmas: taken,
      noiseScale: all[0]!,
      stopAfter: getStopAfter(settings.stopAt, taken.length - 1),
      ...(settings.eta !== undefined && { options: { eta: settings.eta } }),
    },
    guidance: {
      scale: settings.guidance,
      weights: getPartWeights(settings.prompt),
      rescale: settings.guidanceRescale,
      interval: settings.guidanceInterval,
    },
    ...(image && {
      init: {
        image,
        isFullNoise: settings.init?.strength === 1,
        encoder: async () => makeEncoder(manifest, sessions),
      },
    }),
    start: async ({ seed }) => ({
      denoiser: () => denoise(seed),
      preview: (denoised) => decodePixels(sessions.decoder, manifest, denoised),
    }),
  };
}

/** The stages that enlarge the decoded image. */
function makeEnlarging(
  { superResolution }: NetworkSessions,
  size: number,
  factor: number,
  { upscale, upscaleSampler: sampler = "euler" }: ImageSettings,
): readonly Stage[] {
  if (upscale === "lanczos") return [makeLanczosStage(factor)];
  if (!superResolution) throw new NishikiError("internal", "The model has no super-resolution network.");
  return Array.from({ length: Math.log2(factor) }, (_, doubling) =>
    makeDoublingStage(superResolution, {
      side: size * 2 ** doubling,
      doubling,
      isLast: 2 ** (doubling + 1) === factor,
      sampler,
    }),
  );
}

const makeLanczosStage = (factor: number): TransformStage => ({
  kind: "transform",
  name: "lanczos",
  run: async ({ last }) => {
    const { width, height, data } = getImageValues(last);
    const larger = { width: width * factor, height: height * factor, channels: 3 as const };
    return {
      kind: "pixels",
      pixels: { ...larger, data: toBytes(enlargeByLanczos(data, width, height, factor)) },
    };
  },
});

function makeEncoder(manifest: ModelManifest, { encoder }: NetworkSessions): ImageEncoder {
  if (!encoder) throw new NishikiError("internal", `The model ${manifest.name} has no encoder.`);
  return {
    takesMask: false,
    encode: (values) => encodePixels(encoder, manifest, values),
    resizeMask: (mask, rule) => resizeLatentMask(manifest, mask, rule),
  };
}
