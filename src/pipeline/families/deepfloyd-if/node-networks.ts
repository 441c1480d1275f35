// The networks of a DeepFloyd IF model, as recipes (node).
import type { WeightPlaces } from "../../../engine/index.js";
import { getUsualSizes } from "../../../graph/index.js";
import { splitT5Layers, traceAddedKvUnet } from "../../../models/index.js";
import type { Recipe } from "../node-recipes.js";
import type { IfModel } from "./model.js";
import type { NetworkKey } from "./networks.js";
import { traceTextEncoder } from "./programs.js";

/** Where the weights of a model's networks lie. */
export interface IfWeights {
  readonly text: WeightPlaces;
  /** Of the denoiser of each stage, in the model's order. */
  readonly denoisers: readonly WeightPlaces[];
}

/** Makes a network's recipe. */
export function makeIfRecipe(model: IfModel, weights: IfWeights, key: NetworkKey): Recipe {
  if (key.part === "text encoder") {
    const program = traceTextEncoder(model.text, key);
    const places = weights.text;
    // Its parts follow each other, too.
    return { title: "text encoder", program, places, group: "text", groupLimit: 1, inPlace: true };
  }
  const index = model.stages.findIndex(({ number }) => number === key.stage);
  const { unet, side } = model.stages[index]!;
  const program = traceAddedKvUnet(unet);
  return {
    title: `stage ${key.stage} denoiser`,
    program,
    places: weights.denoisers[index]!,
    // The stages draw one after the other.
    group: key.stage === 1 ? "denoise" : "enlarge",
    inPlace: true,
    usualSizes: getUsualSizes(program, { batch: 2, height: side, width: side }),
  };
}

/** The keys of all networks of a model. */
export const listNetworks = ({ text, stages }: IfModel): readonly NetworkKey[] => [
  ...splitT5Layers(text).map((layers): NetworkKey => ({ part: "text encoder", ...layers })),
  ...stages.map(({ number }): NetworkKey => ({ part: "denoiser", stage: number })),
];
