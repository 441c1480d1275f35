// The training images nearest to a drawing: scenes as the compositor makes them for its caption, compared by pixels and by the
// classifier's features. Beside them stands how near such scenes are to each other.
import {
  describeContent,
  type Scene,
  type SceneContent,
  SceneDrawer,
  type SceneMix,
  type Sprites,
} from "../data/index.js";
import type { Classifier } from "./classifier.js";
import { coarsen, comparedSide, copyLimit, shiftedPsnr, shrink } from "./copies.js";
import { distance, spread } from "./statistics.js";

export interface NearScene {
  readonly scene: Scene;
  /** PSNR in dB at the best small shift, at 64×64 pixels. */
  readonly psnr: number;
  /** Distance of the classifier's features. */
  readonly distance: number;
}

export interface NearestScenes {
  /** The nearest by pixels first. */
  readonly nearest: readonly NearScene[];
  /** Feature distance to the nearest by features. */
  readonly distance: number;
  /** For scale: of each scene, PSNR and feature distance to the nearest other one. */
  readonly among: readonly { readonly psnr: number; readonly distance: number }[];
  /** Mean feature distance between two scenes. */
  readonly diversity: number;
  /** Number of scenes that were compared. */
  readonly scenes: number;
  /** PSNR from which a drawing counts as a near copy. */
  readonly limit: number;
  readonly isNearCopy: boolean;
}

interface Compared {
  readonly scene: Scene;
  readonly small: Uint8Array;
  readonly coarse: Float32Array;
  readonly features: Float32Array;
}

/** Scenes of one content, with the positions, sizes and variants that training draws. */
export function composeScenes(
  content: SceneContent,
  count: number,
  { sprites, mix, size }: { readonly sprites: Sprites; readonly mix: SceneMix; readonly size: number },
): readonly Scene[] {
  const drawer = new SceneDrawer(sprites, size);
  return Array.from({ length: count }, (_, seed) =>
    drawer.draw(describeContent(content, seed, mix, sprites)),
  );
}

/** Candidates that are compared at full size: the nearest at 16×16 pixels. */
const candidates = 12;

function nearestTo(own: Omit<Compared, "scene">, others: readonly Compared[]): NearScene[] {
  const coarse = others
    .map((other) => ({ other, far: distance(other.coarse, own.coarse) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, candidates);
  return coarse
    .map(({ other }) => ({
      scene: other.scene,
      psnr: shiftedPsnr(own.small, other.small),
      distance: distance(own.features, other.features),
    }))
    .sort((a, b) => b.psnr - a.psnr);
}

const nearestDistance = (own: Omit<Compared, "scene">, others: readonly Compared[]) =>
  Math.min(...others.map(({ features }) => distance(own.features, features)));

/**
 * Finds the scenes that are nearest to an image.
 * @param pixels `[size, size, 3]` bytes, of the classifier's size, as are the scenes
 * @param scenes at least two
 */
export async function findNearestScenes(
  pixels: Uint8Array,
  scenes: readonly Scene[],
  classifier: Pick<Classifier, "classify" | "pictureSize">,
  { keep = 3 }: { readonly keep?: number } = {},
): Promise<NearestScenes> {
  const describe = async (image: Uint8Array) => {
    const [verdict] = await classifier.classify([image]);
    const small = shrink(image, classifier.pictureSize, comparedSide);
    return { small, coarse: coarsen(small), features: verdict!.features };
  };
  const all: Compared[] = [];
  for (const scene of scenes) all.push({ scene, ...(await describe(scene.pixels)) });
  const own = await describe(pixels);
  const among = all.map((one) => {
    const others = all.filter((other) => other !== one);
    return { psnr: nearestTo(one, others)[0]!.psnr, distance: nearestDistance(one, others) };
  });
  const nearest = nearestTo(own, all);
  return {
    nearest: nearest.slice(0, keep),
    distance: nearestDistance(own, all),
    among,
    diversity: spread(all.map(({ features }) => features)),
    scenes: all.length,
    limit: copyLimit,
    isNearCopy: nearest[0]!.psnr >= copyLimit,
  };
}
