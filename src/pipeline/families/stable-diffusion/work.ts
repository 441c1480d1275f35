// What an image of a Stable Diffusion model costs, counted from its networks' programs.
import { countMultiplications } from "../../../graph/index.js";
import type { ImageSettings } from "../../image-request.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import { countEvaluations, type NetworkWork } from "../../work.js";
import { getTextOptions } from "./conditioning.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import { traceTextEncoder, traceUnet } from "./programs.js";

export function getStableDiffusionWork(
  model: StableDiffusionModel,
  settings: ImageSettings,
  tokenizers: Tokenizers,
): readonly NetworkWork[] {
  const { unet, autoencoder, textEncoders } = model;
  const { prompt, negativePrompt, size, guidance, init, deepCache } = settings;
  const { positions } = textEncoders[0]!;
  const count = (text: string) => chunkPrompt(tokenizers[0]!, text, positions).chunks.length;
  const chunks = Math.max(count(prompt), count(negativePrompt));
  const latents = { height: size.height / autoencoder.scale, width: size.width / autoencoder.scale };
  const denoise = (form: "whole" | "shallow") =>
    countMultiplications(traceUnet(unet, { form }), { batch: 1, ...latents, tokens: chunks * positions });
  // A distilled network takes the scale as an input; a scale up to 1 is the plain model.
  const isGuided = unet.timeConditionWidth === undefined && guidance > 1;
  const rows = countEvaluations(settings, { isGuided });
  const whole = deepCache ? Math.ceil(rows / deepCache.interval) : rows;
  return [
    ...textEncoders.map((config) => ({
      network: "text encoder",
      multiplications: countMultiplications(traceTextEncoder(config, { ...getTextOptions(model) }), {
        texts: 1,
      }),
      evaluations: 2 * chunks,
    })),
    { network: "denoiser", multiplications: denoise("whole"), evaluations: whole },
    ...(rows > whole
      ? [
          {
            network: "denoiser, shallow part",
            multiplications: denoise("shallow"),
            evaluations: rows - whole,
          },
        ]
      : []),
    ...(init
      ? [
          {
            network: "encoder",
            multiplications: countMultiplications(autoencoder.traceEncoder(), { batch: 1, ...latents }),
            evaluations: 1,
          },
        ]
      : []),
    {
      network: "decoder",
      multiplications: countMultiplications(autoencoder.traceDecoder(), { batch: 1, ...latents }),
      evaluations: 1,
    },
  ];
}
