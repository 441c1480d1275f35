// What an image of the x4 upscaler costs, counted from its networks' programs.
import type { ImageSettings } from "../../image-request.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import { splitComposition } from "../../prompt/composition.js";
import { forecastMemory, getTiling } from "../../tile-forecast.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import { getTextOptions } from "../stable-diffusion/conditioning.js";
import type { Tokenizers } from "../stable-diffusion/model.js";
import { traceTextEncoder, traceUnet } from "../stable-diffusion/programs.js";
import { type BlendedTiling, splitAxis } from "./blended-tiles.js";
import type { UpscalerModel } from "./model.js";
import { usualTiling } from "./stage.js";

/** Bytes that weights take in memory. On the CPU, large ones stay as they are in their files. */
export interface StoredBytes {
  readonly unet: number;
  readonly text: number;
}

export function getUpscalerWork(
  model: UpscalerModel,
  settings: ImageSettings,
  tokenizers: Tokenizers,
  {
    tiling = usualTiling,
    stored,
  }: { readonly tiling?: BlendedTiling; readonly stored?: StoredBytes | undefined } = {},
): readonly NetworkWork[] {
  const { autoencoder, textEncoders, unet } = model;
  const [text] = textEncoders;
  const parts = splitComposition(settings.prompt);
  const texts = [...parts.map((part) => part.text), settings.negativePrompt];
  const chunks = Math.max(
    ...texts.map((one) => chunkPrompt(tokenizers[0]!, one, text.positions).chunks.length),
  );
  const latents = {
    height: settings.size.height / autoencoder.scale,
    width: settings.size.width / autoencoder.scale,
  };
  const tiles = splitAxis(latents.height, tiling).length * splitAxis(latents.width, tiling).length;
  const isGuided = settings.guidance > 1;
  const whole = { ...settings, init: undefined };
  const decoder = autoencoder.traceLargeDecoder();
  return [
    countWork(traceTextEncoder(text, { ...getTextOptions(model), skip: 0 }), {
      ...{ network: "text encoder", group: "text", batch: "texts" },
      ...{ evaluations: texts.length * chunks, rows: texts.length * chunks },
      ...(stored && { weightBytes: stored.text }),
    }),
    countWork(traceUnet(unet), {
      ...{ network: "denoiser", group: "enlarge", rows: countRows(settings, isGuided) },
      evaluations: tiles * countEvaluations(whole, { isGuided }),
      sizes: {
        height: Math.min(latents.height, tiling.side),
        width: Math.min(latents.width, tiling.side),
        tokens: chunks * text.positions,
      },
      ...(stored && { weightBytes: stored.unet }),
    }),
    {
      ...countWork(autoencoder.traceDecoder(), {
        ...{ network: "decoder", group: "decode", evaluations: 1, sizes: latents },
      }),
      weightBytes: 0,
      valueBytes: forecastMemory(decoder, latents, getTiling(decoder, latents)),
    },
  ];
}
