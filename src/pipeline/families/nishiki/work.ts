// What an image of such a model costs, counted from its networks' programs.
import { countMultiplications, type Program } from "../../../graph/index.js";
import type { ImageSettings } from "../../image-request.js";
import { splitComposition } from "../../prompt/composition.js";
import { countEvaluations, type NetworkWork } from "../../work.js";
import type { ModelManifest } from "./manifest.js";
import { readSuperResolution, traceFast, traceNetworks } from "./programs.js";
import { traceSuperResolution } from "./super-resolution.js";

const perRow = (program: Program) => countMultiplications(program, { batch: 1 });

/** @param factor How much larger than the model's own size the image is to be, by super-resolution or a filter. */
export function getNishikiWork(
  manifest: ModelManifest,
  settings: ImageSettings,
  factor: number | undefined,
): readonly NetworkWork[] {
  const { textEncoder, denoiser, decoder } = traceNetworks(manifest);
  const fast = settings.fast ? traceFast(manifest) : undefined;
  return [
    { network: "text encoder", multiplications: perRow(textEncoder), evaluations: countTexts(settings) },
    {
      network: "denoiser",
      multiplications: perRow(fast ?? denoiser),
      evaluations: countEvaluations(settings),
    },
    { network: "decoder", multiplications: perRow(decoder), evaluations: 1 },
    ...(factor === undefined || settings.upscale === "lanczos" ? [] : getEnlargingWork(manifest, factor)),
  ];
}

const countTexts = ({ prompt, negativePrompt }: ImageSettings) =>
  splitComposition(prompt).length + (negativePrompt === "" ? 0 : 1);

/** Each doubling evaluates the whole image, in tiles whose overlaps are not counted. */
function getEnlargingWork({ parts, pictureSize }: ModelManifest, factor: number): readonly NetworkWork[] {
  if (!parts.superResolution) return [];
  const config = readSuperResolution(parts.superResolution);
  const { steps } = parts.superResolution;
  return Array.from({ length: Math.log2(factor) }, (_, doubling) => {
    const side = pictureSize * 2 ** (doubling + 1);
    const multiplications = perRow(traceSuperResolution(config, side, side));
    return { network: "super-resolution", multiplications, evaluations: steps };
  });
}
