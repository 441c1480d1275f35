// The models that Nishiki trains, the embedded one among them: MiniLM's words, a rectified flow over channels-last latents.
import { type Denoiser, getSimpleSigmas } from "../diffusion/index.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { Drawing, ModelFamily, Side } from "./family.js";
import type { ModelManifest } from "./model-folder.js";
import {
  decodePixels,
  encodeWords,
  getNoWords,
  getSchedule,
  makeDenoiser,
  type NetworkSessions,
  type Words,
} from "./networks.js";
import type { PictureSettings, RequestContext } from "./request.js";

/** What a loaded folder with a `model.json` consists of. */
export interface OwnModel {
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly sessions: NetworkSessions;
}

/** What may be asked of such a model: it draws one size. */
export function getOwnContext({ defaults, pictureSize }: ModelManifest): RequestContext {
  return { defaults, sizes: { usual: [pictureSize, pictureSize] } };
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
    return {
      warnings,
      shape: manifest.latents.shape,
      sigmas: getSimpleSigmas(settings.steps, schedule),
      denoise,
      decode: (latents) => decodePixels(sessions.decoder, manifest, latents),
    };
  };
  return { model: manifest, context: getOwnContext(manifest), prepare };
}
