// What an image of a Stable Diffusion model costs, counted from its networks' programs.
import { countMultiplications } from "../../../graph/index.js";
import { splitPasses } from "../../complete-hires.js";
import type { ImageSettings } from "../../image-request.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import { splitComposition } from "../../prompt/composition.js";
import { traceImageEncoder } from "../../vision/program.js";
import { countEvaluations, type NetworkWork } from "../../work.js";
import { getTextOptions } from "./conditioning.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import { traceTextEncoder, traceUnet } from "./programs.js";

export function getStableDiffusionWork(
  model: StableDiffusionModel,
  settings: ImageSettings,
  tokenizers: Tokenizers,
): readonly NetworkWork[] {
  const { unet, autoencoder, textEncoders, imageEmbedding } = model;
  const { first, second } = splitPasses(settings);
  const { prompt, negativePrompt, guidance, init, deepCache } = first;
  const { positions } = textEncoders[0]!;
  const count = (text: string) => chunkPrompt(tokenizers[0]!, text, positions).chunks.length;
  const parts = splitComposition(prompt);
  const chunks = Math.max(...parts.map(({ text }) => count(text)), count(negativePrompt));
  const toLatents = ({ height, width }: ImageSettings["size"]) => ({
    height: height / autoencoder.scale,
    width: width / autoencoder.scale,
  });
  const latents = toLatents(settings.size);
  const denoise = (form: "whole" | "shallow", size = first.size) =>
    countMultiplications(traceUnet(unet, { form }), {
      batch: 1,
      ...toLatents(size),
      tokens: chunks * positions,
    });
  // A distilled network takes the scale as an input; a scale up to 1 is the plain model.
  const isGuided = unet.timeConditionWidth === undefined && guidance > 1;
  const rows = countEvaluations(first, { isGuided });
  const whole = deepCache ? Math.ceil(rows / deepCache.interval) : rows;
  return [
    ...textEncoders.map((config) => ({
      network: "text encoder",
      multiplications: countMultiplications(traceTextEncoder(config, { ...getTextOptions(model) }), {
        texts: 1,
      }),
      evaluations: (parts.length + 1) * chunks,
    })),
    ...(imageEmbedding && first.imagePrompt
      ? [
          {
            network: "image encoder",
            multiplications: countMultiplications(traceImageEncoder(imageEmbedding.encoder.config), {
              batch: 1,
            }),
            evaluations: first.imagePrompt.images.length,
          },
        ]
      : []),
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
    ...(second
      ? [
          {
            network: "denoiser, second pass",
            multiplications: denoise("whole", second.size),
            evaluations: countEvaluations(second, { isGuided }),
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
