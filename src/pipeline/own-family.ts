// The models that Nishiki trains, the embedded one among them: MiniLM's words, a rectified flow over channels-last latents.
import { type Denoiser, getStepSchedule } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { Drawing, ModelFamily, PictureCoder, Side } from "./family.js";
import type { ModelManifest } from "./model-folder.js";
import {
  decodePixels,
  encodePixels,
  encodeWords,
  getNoWords,
  getSchedule,
  makeDenoiser,
  type NetworkSessions,
  spreadMask,
  type Words,
} from "./networks.js";
import type { PictureSettings, RequestContext } from "./request.js";

/** What a loaded folder with a `model.json` consists of. */
export interface OwnModel {
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly sessions: NetworkSessions;
}

const always = ["schedule", "rng", "variationSeed", "variationStrength"] as const;
const withEncoder = ["image", "mask", "extend", "strength"] as const;

/** What may be asked of such a model: it draws one size. */
export function getOwnContext(
  { defaults, pictureSize }: ModelManifest,
  { hasEncoder }: { readonly hasEncoder: boolean },
): RequestContext {
  const takes = hasEncoder ? [...always, ...withEncoder] : always;
  return { defaults, sizes: { usual: [pictureSize, pictureSize] }, takes };
}

interface Prompt {
  readonly words: Readonly<Record<Side, Words>>;
  readonly warnings: readonly string[];
}

async function encodePrompt(
  { manifest, tokenizer, sessions }: OwnModel,
  settings: PictureSettings,
): Promise<Prompt> {
  const warnings: string[] = [];
  const encode = async (name: "prompt" | "negative") => {
    const { words, dropped } = await encodeWords(sessions.textEncoder, tokenizer, manifest, settings[name]);
    if (dropped.length > 0) {
      const said = `The ${name === "prompt" ? "prompt" : "negative prompt"} is longer than the ${manifest.maxTokens} tokens that the model reads`;
      warnings.push(`${said}; left out: ${dropped.join(" ")}`);
    }
    return words;
  };
  const positive = await encode("prompt");
  const negative = settings.negative === "" ? getNoWords(positive) : await encode("negative");
  return { words: { positive, negative }, warnings };
}

/** A model folder as a family. */
export function makeOwnFamily(model: OwnModel): ModelFamily {
  const { manifest, sessions } = model;
  const schedule = getSchedule(manifest);
  const network = makeDenoiser(sessions.denoiser, manifest);
  const prepare = async (settings: PictureSettings): Promise<Drawing> => {
    const { words, warnings } = await encodePrompt(model, settings);
    const denoise: Denoiser<Side> = (x, sigma, sides, signal) =>
      network(
        x,
        sigma,
        sides.map((side) => words[side]),
        signal,
      );
    const sigmas = getStepSchedule(settings.schedule ?? "simple").getSigmas(settings.steps, schedule);
    return {
      warnings,
      shape: manifest.latents.shape,
      sigmas,
      noiseScale: sigmas[0]!,
      finalScale: 1,
      guidance: settings.guidance,
      denoiser: () => denoise,
      coder: () => makeCoder(model),
      decode: (latents) => decodePixels(sessions.decoder, manifest, latents),
    };
  };
  const context = getOwnContext(manifest, { hasEncoder: sessions.encoder !== undefined });
  return { model: manifest, context, prepare };
}

async function makeCoder({ manifest, sessions }: OwnModel): Promise<PictureCoder> {
  if (!sessions.encoder) throw new NishikiError("internal", `The model ${manifest.name} has no encoder.`);
  const session = await sessions.encoder();
  return {
    seesMask: false,
    encode: (values) => encodePixels(session, manifest, values),
    spread: (mask) => spreadMask(manifest, mask),
  };
}
