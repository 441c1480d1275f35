// What an image of Kandinsky 2.2 costs, counted from its networks' programs.
import {
  getMovqScale,
  getUnetStep,
  traceAddedKvUnet,
  traceMovqDecoder,
  traceMovqEncoder,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import type { KandinskyModel } from "./kandinsky-model.js";
import { getImageWork, getPriorWork, getStored, getTextWork, type StoredBytes } from "./prior-work.js";

export function getKandinskyWork(
  { unet, movq, images, prior }: KandinskyModel,
  settings: ImageSettings,
  stored: StoredBytes = new Map(),
): readonly NetworkWork[] {
  const { size, guidance, imagePrompt, init, negativePrompt } = settings;
  const scale = getMovqScale(movq);
  const latents = { height: size.height / scale, width: size.width / scale };
  const step = getUnetStep(unet);
  const isGuided = guidance > 1;
  const seen = (imagePrompt?.images.length ?? 0) + (isGuided && negativePrompt === "" ? 1 : 0);
  const pixels = { group: "decode", evaluations: 1, sizes: latents } as const;
  return [
    getTextWork(prior.text, settings, stored),
    ...getImageWork(images, seen, stored),
    ...getPriorWork(
      prior,
      settings,
      { blendsPrompt: true, drawsNegative: true, needsUncond: isGuided },
      stored,
    ),
    countWork(traceAddedKvUnet(unet), {
      ...{ network: "denoiser", group: "denoise", evaluations: countEvaluations(settings, { isGuided }) },
      sizes: { height: latents.height / step, width: latents.width / step },
      rows: countRows(settings, isGuided),
      ...getStored(stored, "denoiser"),
    }),
    ...(init ? [countWork(traceMovqEncoder(movq), { network: "encoder", ...pixels })] : []),
    countWork(traceMovqDecoder(movq), { network: "decoder", ...pixels }),
  ];
}
