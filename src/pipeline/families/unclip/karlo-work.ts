// What an image of Karlo costs, counted from its networks' programs.
import { type AddedKvUnetConfig, getUnetStep, traceAddedKvUnet } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import { getSuperResolutionSteps, type KarloModel } from "./karlo-model.js";
import { getImageWork, getPriorWork, getStored, getTextWork, type StoredBytes } from "./prior-work.js";

export function getKarloWork(
  { text, prior, images, textProjection, decoder, superResolution }: KarloModel,
  settings: ImageSettings,
  stored: StoredBytes = new Map(),
): readonly NetworkWork[] {
  const isGuided = settings.guidance > 1;
  const getSizes = (unet: AddedKvUnetConfig, side: number) => {
    const steps = side / getUnetStep(unet);
    return { height: steps, width: steps };
  };
  const enlarge = (network: string, unet: AddedKvUnetConfig, evaluations: number): NetworkWork =>
    countWork(traceAddedKvUnet(unet), {
      ...{ network, group: "enlarge", evaluations, sizes: getSizes(unet, superResolution.side) },
      ...getStored(stored, network),
    });
  const steps = getSuperResolutionSteps(settings);
  const tokens = textProjection.imageTokens + text.positions;
  return [
    getTextWork(text, settings, stored),
    ...getImageWork(images, settings.imagePrompt?.images.length ?? 0, stored),
    ...getPriorWork(
      prior,
      settings,
      { blendsPrompt: false, drawsNegative: false, needsUncond: false },
      stored,
    ),
    countWork(traceAddedKvUnet(decoder.unet, { masked: true }), {
      ...{ network: "denoiser", group: "denoise", evaluations: countEvaluations(settings, { isGuided }) },
      sizes: { ...getSizes(decoder.unet, decoder.side), tokens },
      rows: countRows(settings, isGuided),
      ...getStored(stored, "denoiser"),
    }),
    ...(settings.stages === 1
      ? []
      : [
          enlarge("first super-resolution", superResolution.first, steps - 1),
          enlarge("last super-resolution", superResolution.last, 1),
        ]),
  ];
}
