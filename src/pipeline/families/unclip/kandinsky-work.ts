// What an image of Kandinsky 2.2 costs, counted from its networks' programs.
import { countMultiplications } from "../../../graph/index.js";
import {
  getMovqScale,
  getUnetStep,
  traceAddedKvUnet,
  traceMovqDecoder,
  traceMovqEncoder,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { traceImageEncoder } from "../../vision/program.js";
import { countEvaluations, type NetworkWork } from "../../work.js";
import type { KandinskyModel } from "./kandinsky-model.js";
import { getPriorWork, getTextWork } from "./prior-work.js";

export function getKandinskyWork(model: KandinskyModel, settings: ImageSettings): readonly NetworkWork[] {
  const { unet, movq, images, prior } = model;
  const { size, guidance, imagePrompt, init, negativePrompt } = settings;
  const scale = getMovqScale(movq);
  const step = getUnetStep(unet);
  const latents = { batch: 1, height: size.height / scale, width: size.width / scale };
  const inSteps = { ...latents, height: latents.height / step, width: latents.width / step };
  const isGuided = guidance > 1;
  const hasNothing = isGuided && negativePrompt === "";
  const seen = (imagePrompt?.images.length ?? 0) + (hasNothing ? 1 : 0);
  const count = (network: string, multiplications: number, evaluations: number): NetworkWork[] =>
    evaluations > 0 ? [{ network, multiplications, evaluations }] : [];
  return [
    ...getTextWork(prior, settings),
    ...(images
      ? count("image encoder", countMultiplications(traceImageEncoder(images.config), { batch: 1 }), seen)
      : []),
    ...getPriorWork(prior, settings, { blendsPrompt: true, needsUncond: isGuided }),
    ...count(
      "denoiser",
      countMultiplications(traceAddedKvUnet(unet), inSteps),
      countEvaluations(settings, { isGuided }),
    ),
    ...(init ? count("encoder", countMultiplications(traceMovqEncoder(movq), latents), 1) : []),
    ...count("decoder", countMultiplications(traceMovqDecoder(movq), latents), 1),
  ];
}
