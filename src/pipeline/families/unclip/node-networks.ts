// The networks of an unCLIP model: their names, and how they share memory (node).
import type { ModelComponent } from "../../../checkpoint/node.js";
import { getUsualSizes, type Program } from "../../../graph/index.js";
import type { NetworkGroup } from "../../session-pool.js";
import type { Recipe } from "../node-recipes.js";
import { getTitle, type NetworkKey } from "./networks.js";
import type { StoredBytes } from "./prior-work.js";

/** A network: its files, and how its program is recorded. */
export interface NetworkSource {
  readonly component: ModelComponent;
  trace(): Program;
}

/** The networks of a model. */
export interface NetworkSources {
  /** The model's name. */
  readonly name: string;
  /** All networks, each once. */
  readonly keys: readonly NetworkKey[];
  get(key: NetworkKey): NetworkSource;
}

/** Networks of one group work in turn; each stage frees those of the others. */
const groups: Readonly<Record<NetworkKey["part"], NetworkGroup>> = {
  "text encoder": "text",
  "image encoder": "vision",
  prior: "prior",
  "text projection": "denoise",
  denoiser: "denoise",
  encoder: "decode",
  decoder: "decode",
  "super-resolution": "enlarge",
};

/** Few weights and large images gain from packed weights; everything else stays in its files. */
const isPacked = (part: NetworkKey["part"]) => part === "encoder" || part === "decoder";

/**
 * The images for which the CPU's convolutions are chosen: 64 pixels or latents per side in both models' denoisers, 256 pixels
 * in Karlo's super-resolution, 512 in Kandinsky's encoder.
 */
function getUsualImage(part: NetworkKey["part"]) {
  const side = part === "super-resolution" ? 256 : part === "encoder" ? 512 : 64;
  return { batch: part === "denoiser" ? 2 : 1, height: side, width: side };
}

export function makeRecipe({ get }: NetworkSources, key: NetworkKey): Recipe {
  const { component, trace } = get(key);
  const program = trace();
  return {
    title: getTitle(key),
    program,
    places: component.weights,
    group: groups[key.part],
    inPlace: !isPacked(key.part),
    usualSizes: getUsualSizes(program, getUsualImage(key.part)),
    // The two networks of super-resolution follow each other.
    ...(key.part === "super-resolution" && { groupLimit: 1 }),
  };
}

/** Bytes of the weights of networks that stay in their files, by their titles. */
export function sumStored({ keys, get }: NetworkSources): StoredBytes {
  const inFiles = keys.filter(({ part }) => !isPacked(part));
  const sizes = inFiles.map((key) => {
    const { weights } = get(key).component;
    return [getTitle(key), [...weights.values()].reduce((sum, { length }) => sum + length, 0)] as const;
  });
  return new Map(sizes);
}
