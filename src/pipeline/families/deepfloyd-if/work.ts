// What an image of DeepFloyd IF costs, counted from its networks' programs.
import { getUnetStep, splitT5Layers, traceAddedKvUnet } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { splitComposition } from "../../prompt/composition.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import type { Tokenizers } from "../stable-diffusion/model.js";
import { getUpscalerWork } from "../upscaler/work.js";
import { drawsThird, enlargement, getStageSettings, getThirdSettings, type IfModel } from "./model.js";
import { promptTokens, traceTextEncoder } from "./programs.js";

/** Bytes that weights take in memory. On the CPU, large ones stay as they are in their files. */
export interface StoredBytes {
  readonly text: number;
  /** In the order of the stages. */
  readonly denoisers: readonly number[];
}

/** What is known besides the configs. */
interface WorkOptions {
  readonly stored?: StoredBytes | undefined;
  /** Of stage 3. */
  readonly tokenizers?: Tokenizers | undefined;
}

export function getIfWork(
  model: IfModel,
  settings: ImageSettings,
  { stored, tokenizers }: WorkOptions = {},
): readonly NetworkWork[] {
  const { text, stages, upscaler } = model;
  const own = getStageSettings(settings, stages);
  const third = upscaler && tokenizers && drawsThird(settings, model) ? upscaler : undefined;
  const denoisers = own.map(({ steps, guidance, strength }, i): NetworkWork => {
    const { unet, number } = stages[i]!;
    const times = enlargement ** (own.length - 1 - i + (third ? 1 : 0)) * getUnetStep(unet);
    const size = { height: settings.size.height / times, width: settings.size.width / times };
    const init = settings.init && { ...settings.init, strength };
    const pass = { ...settings, steps, guidance, init };
    return countWork(traceAddedKvUnet(unet), {
      network: `stage ${number} denoiser`,
      group: number === 1 ? "denoise" : "enlarge",
      evaluations: countEvaluations(pass, { isGuided: guidance > 1 }),
      rows: countRows(pass, guidance > 1),
      sizes: { ...size, tokens: promptTokens },
      ...(stored && { weightBytes: stored.denoisers[i]! }),
    });
  });
  const texts = splitComposition(settings.prompt).length + 1;
  const parts = splitT5Layers(text).map((layers, i) =>
    countWork(traceTextEncoder(text, layers), {
      ...{ network: "text encoder", group: "text", batch: "texts", evaluations: texts, rows: texts },
      sizes: { tokens: promptTokens },
      // One part is in memory at a time.
      ...(stored ? { weightBytes: i === 0 ? stored.text : 0 } : i > 0 && { weightBytes: 0 }),
    }),
  );
  if (!third) return [...parts, ...denoisers];
  return [...parts, ...denoisers, ...getUpscalerWork(third, getThirdSettings(settings, model), tokenizers!)];
}
