// What an image of Karlo costs, counted from its networks' programs.
import { countMultiplications } from "../../../graph/index.js";
import { type AddedKvUnetConfig, getUnetStep, traceAddedKvUnet } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { traceImageEncoder } from "../../vision/program.js";
import { countEvaluations, type NetworkWork } from "../../work.js";
import { getSuperResolutionSteps, type KarloModel } from "./karlo-model.js";
import { getPriorWork, getTextWork } from "./prior-work.js";

export function getKarloWork(model: KarloModel, settings: ImageSettings): readonly NetworkWork[] {
  const { text, prior, images, textProjection, decoder, superResolution } = model;
  const tokens = textProjection.imageTokens + text.positions;
  const count = (unet: AddedKvUnetConfig, side: number, masked: boolean) => {
    const inSteps = side / getUnetStep(unet);
    return countMultiplications(traceAddedKvUnet(unet, { masked }), {
      batch: 1,
      height: inSteps,
      width: inSteps,
      ...(masked && { tokens }),
    });
  };
  const seen = settings.imagePrompt?.images.length ?? 0;
  const steps = getSuperResolutionSteps(settings);
  const enlarge = (network: string, unet: AddedKvUnetConfig, evaluations: number): NetworkWork => ({
    network,
    multiplications: count(unet, superResolution.side, false),
    evaluations,
  });
  return [
    ...getTextWork({ text }, settings),
    ...(images && seen > 0
      ? [
          {
            network: "image encoder",
            multiplications: countMultiplications(traceImageEncoder(images.config), { batch: 1 }),
            evaluations: seen,
          },
        ]
      : []),
    ...(prior ? getPriorWork(prior, settings, { blendsPrompt: false, needsUncond: false }) : []),
    {
      network: "denoiser",
      multiplications: count(decoder.unet, decoder.side, true),
      evaluations: countEvaluations(settings, { isGuided: settings.guidance > 1 }),
    },
    ...(settings.stages === 1
      ? []
      : [
          enlarge("first super-resolution", superResolution.first, steps - 1),
          enlarge("last super-resolution", superResolution.last, 1),
        ]),
  ];
}
