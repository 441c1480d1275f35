// The second pass of a hires request: the first pass is enlarged, as latents or as pixels, noised, and drawn on at full size.

import { enlargeLatents } from "../../enlarge-latents.js";
import type { ImageSettings } from "../../image-request.js";
import { resizeByLanczos } from "../../lanczos.js";
import { type ImageSeeds, makeAddressedNoise, makeImageNoise, type StageNoise } from "../../noise.js";
import { fromBytes } from "../../pixels.js";
import type { StageInput, StageRun } from "../../plan.js";
import { getValues } from "../../stage-results.js";
import type { Area, AutoencoderRuns } from "./autoencoder-runs.js";

export const hiresStage = "hires";

type Hires = NonNullable<ImageSettings["hires"]>;

/**
 * The steps to plan so that exactly those that are asked for are drawn, from the noise of this strength on; as
 * stable-diffusion-webui counts them.
 */
export function getHiresSteps({ steps, strength }: Hires): {
  readonly steps: number;
  readonly strength: number;
} {
  const all = Math.max(steps, Math.trunc(steps / Math.min(strength, 0.999)));
  return { steps: all, strength: Math.min(1, (steps + 0.5) / all) };
}

/** Between which sizes of latents a pass is enlarged. */
export interface HiresAreas {
  readonly from: Area;
  readonly to: Area;
}

/** The enlarged latents of the first pass. Pixels are encoded, with random numbers of their own. */
export function getHiresLatents(
  { method }: Hires,
  { last }: Pick<StageInput, "last">,
  { from, to }: HiresAreas,
  { runs, scale, tile }: { readonly runs: AutoencoderRuns; readonly scale: number; readonly tile: boolean },
): NonNullable<StageRun["latents"]> {
  const latents = getValues(last);
  if (method !== "lanczos") return async () => enlargeLatents(latents, from, to, method);
  return async (noise) => {
    const pixels = await runs.decode(latents, from, tile);
    const size = { width: to.width * scale, height: to.height * scale };
    const larger = resizeByLanczos(fromBytes(pixels.data), pixels, size).map((value) =>
      Math.min(1, Math.max(-1, value)),
    );
    return runs.encode(larger, to, () => noise.encoding("image"));
  };
}

/** The noise of the second pass. PyTorch's generators begin anew with the image's seed, as webui's do. */
export function makeHiresNoise(
  rng: ImageSettings["rng"],
  shape: readonly number[],
): ((seed: number, seeds: ImageSeeds) => StageNoise) | undefined {
  if (rng === undefined || rng === "nishiki") return undefined;
  return (seed, seeds) => {
    const size = shape.reduce((product, side) => product * side, 1);
    const fresh = makeImageNoise(rng, seeds).forStage({ name: hiresStage, shape });
    const { encoding } = makeAddressedNoise(seed, size, ["stage", hiresStage]);
    return { ...fresh, encoding };
  };
}
