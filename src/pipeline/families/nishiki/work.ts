// What an image of such a model costs, counted from its networks' programs.
import type { ImageSettings } from "../../image-request.js";
import { splitComposition } from "../../prompt/composition.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import type { ModelManifest } from "./manifest.js";
import { readSuperResolution, traceEncoder, traceFast, traceNetworks } from "./programs.js";
import { countTiles, traceSuperResolution } from "./super-resolution.js";

/** @param factor How much larger than the model's own size the image is to be, by super-resolution or a filter. */
export function getNishikiWork(
  manifest: ModelManifest,
  settings: ImageSettings,
  factor: number | undefined,
): readonly NetworkWork[] {
  const { textEncoder, denoiser, decoder } = traceNetworks(manifest);
  const fast = settings.fast ? traceFast(manifest) : undefined;
  const rows = countRows(settings, !fast && settings.guidance !== 1);
  return [
    countWork(textEncoder, { network: "text encoder", group: "text", evaluations: countTexts(settings) }),
    countWork(fast ?? denoiser, {
      network: fast ? "few-step denoiser" : "denoiser",
      group: "denoise",
      evaluations: countEvaluations(settings),
      rows,
    }),
    ...(settings.init
      ? [countWork(traceEncoder(manifest), { network: "encoder", group: "decode", evaluations: 1 })]
      : []),
    countWork(decoder, { network: "decoder", group: "decode", evaluations: 1 }),
    ...(factor === undefined || settings.upscale === "lanczos" ? [] : getEnlargingWork(manifest, factor)),
  ];
}

const countTexts = ({ prompt, negativePrompt }: ImageSettings) =>
  splitComposition(prompt).length + (negativePrompt === "" ? 0 : 1);

/** Measured: the noise, the sampler's steps and the tiles' sessions hold as many float images of the doubled size. */
const imageCopies = 30;

/** Each doubling evaluates the whole image in tiles. */
function getEnlargingWork({ parts, pictureSize }: ModelManifest, factor: number): readonly NetworkWork[] {
  if (!parts.superResolution) return [];
  const config = readSuperResolution(parts.superResolution);
  const { steps } = parts.superResolution;
  return Array.from({ length: Math.log2(factor) }, (_, doubling) => {
    const side = pictureSize * 2 ** (doubling + 1);
    const { width, height, count } = countTiles(config, side, side);
    const program = traceSuperResolution(config, height, width);
    const evaluations = steps * count;
    const work = countWork(program, { network: "super-resolution", group: "enlarge", evaluations });
    return { ...work, valueBytes: work.valueBytes! + imageCopies * 3 * 4 * side ** 2 };
  });
}
