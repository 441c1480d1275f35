// The models that Nishiki trains, the embedded one among them: MiniLM's words, a rectified flow over channels-last latents.
import { type Denoiser, getStepSchedule } from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import type { Tokenizer } from "../../../tokenizer/index.js";
import type { Drawing, ModelFamily, PictureCoder, Side } from "../../family.js";
import { enlargeByLanczos } from "../../lanczos.js";
import { fromBytes, toBytes } from "../../pixels.js";
import { findUnsupportedSyntax } from "../../prompt/unsupported-syntax.js";
import {
  enlargingFactor,
  type OptionalSetting,
  type PictureSettings,
  type PictureSizes,
  type RequestContext,
  type RequestDefaults,
  upscaleNames,
} from "../../request.js";
import { type Embed, type KnownWords, meanState, understand } from "./known-words.js";
import type { ModelManifest } from "./manifest.js";
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
import { doubleByDiffusion, type Values } from "./super-resolution.js";

/** What a loaded folder with a `model.json` consists of. */
export interface OwnModel {
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly sessions: NetworkSessions;
  /** What its captions were made of. */
  readonly words?: KnownWords;
}

const always = ["schedule", "rng", "variationSeed", "variationStrength", "upscale"] as const;
const withEncoder = ["image", "mask", "extend", "strength"] as const;

/** What may be asked of such a model: it draws one size, and twice and four times as much by enlarging that. */
export function getOwnContext(
  { defaults, pictureSize, parts }: ModelManifest,
  { hasEncoder }: { readonly hasEncoder: boolean },
): RequestContext {
  const takes: readonly OptionalSetting[] = [
    ...always,
    ...(hasEncoder ? withEncoder : []),
    ...(parts.fast ? (["fast"] as const) : []),
  ];
  const fast = parts.fast && { steps: parts.fast.steps, guidance: 1, sampler: "euler" };
  const ways = parts.superResolution ? upscaleNames : (["lanczos"] as const);
  const sizes: PictureSizes = { usual: [pictureSize, pictureSize], enlarging: { factors: [2, 4], ways } };
  const check = (settings: PictureSettings) => {
    const { image, size } = settings;
    if (settings.fast && fast) checkFast(settings, fast);
    if (!image || enlargingFactor(sizes, size) === undefined) return;
    const reason = `pictures that begin from an image are drawn at ${sizes.usual.join("x")} pixels`;
    throw new NishikiError("usage", `size: ${reason}, got ${size}.`);
  };
  return { defaults, sizes, takes, check, ...(fast && { fast }) };
}

/** What a network was distilled for cannot be changed. @throws NishikiError "usage" */
function checkFast(settings: PictureSettings, fast: RequestDefaults): void {
  for (const name of ["steps", "guidance", "sampler"] as const) {
    if (settings[name] === fast[name]) continue;
    const how = `${fast.steps} steps of ${fast.sampler} without guidance`;
    throw new NishikiError(
      "usage",
      `${name}: the fast network draws in ${how}, got ${settings[name]}. Leave out ${name}, or fast.`,
    );
  }
  if (settings.negative === "" && settings.schedule === undefined) return;
  const name = settings.negative === "" ? "schedule" : "negative";
  throw new NishikiError("usage", `${name}: the fast network takes none. Leave out ${name}, or fast.`);
}

interface Prompt {
  readonly words: Readonly<Record<Side, Words>>;
  readonly warnings: readonly string[];
}

async function encodePrompt(
  { manifest, tokenizer, sessions, words: known }: OwnModel,
  settings: PictureSettings,
): Promise<Prompt> {
  const warnings: string[] = [];
  const statesOf = (text: string) => encodeWords(sessions.textEncoder, tokenizer, manifest, text);
  const embed: Embed = async (text) => {
    const { states, mask } = (await statesOf(text)).words;
    return meanState(states, mask);
  };
  const read = async (text: string): Promise<string> => {
    if (!known) return text;
    const { prompt, replaced, unknown } = await understand(text, known, embed);
    for (const { from, to } of replaced)
      warnings.push(
        `The model was never shown the word "${from}"; it draws "${to}", the nearest name that it knows.`,
      );
    if (unknown.length > 0) warnings.push(`The model was never shown these words: ${unknown.join(", ")}.`);
    return prompt;
  };
  const encode = async (name: "prompt" | "negative") => {
    const title = name === "prompt" ? "prompt" : "negative prompt";
    warnings.push(...findUnsupportedSyntax(settings[name], "words", title));
    const { words, dropped } = await statesOf(await read(settings[name]));
    if (dropped.length > 0) {
      const said = `The ${title} is longer than the ${manifest.maxTokens} tokens that the model reads`;
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
  const context = getOwnContext(manifest, { hasEncoder: sessions.encoder !== undefined });
  const schedule = getSchedule(manifest);
  const whole = makeDenoiser(sessions.denoiser, manifest);
  const few = async () => {
    if (!sessions.fast) throw new NishikiError("internal", "The model has no part for few steps.");
    return makeDenoiser(await sessions.fast(), manifest);
  };
  const prepare = async (settings: PictureSettings): Promise<Drawing> => {
    const network = settings.fast ? await few() : whole;
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
      ...makeEnlarging(model, context, settings),
    };
  };
  return { model: manifest, context, prepare };
}

/** How decoded pictures come to a larger size, where that is asked for. */
function makeEnlarging(
  { sessions: { superResolution } }: OwnModel,
  { sizes }: RequestContext,
  { size, upscale }: PictureSettings,
): Pick<Drawing, "enlarge"> {
  const factor = enlargingFactor(sizes, size);
  if (factor === undefined) return {};
  return {
    enlarge: async ({ width, height, data }, seed, signal) => {
      const large = { width: width * factor, height: height * factor, channels: 3 as const };
      const values = fromBytes(data);
      if (upscale === "lanczos") {
        return { ...large, data: toBytes(enlargeByLanczos(values, width, height, factor)) };
      }
      if (!superResolution) throw new NishikiError("internal", "The model has no part for super-resolution.");
      let picture: Values = { width, height, data: values };
      for (let stage = 0; picture.width < large.width; stage++)
        picture = await doubleByDiffusion(picture, superResolution, { seed, stage, signal });
      return { ...large, data: toBytes(picture.data) };
    },
  };
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
