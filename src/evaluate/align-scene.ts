// The composed scene that an image comes nearest to: same content, and of all places and sizes the best. Models are not told
// where a thing shall lie, so that comparing with a scene at another place would measure the place.
import {
  describeContent,
  type SceneContent,
  SceneDrawer,
  type SceneMix,
  type SceneRecipe,
  type Sprites,
  styleNamed,
} from "../data/index.js";
import { psnr } from "./image-measures.js";

/** Side at which places are tried first, and where no better one is searched further away: shares of the image's side. */
const coarseSide = 64;
const furthest = 0.07;
const sizes = [0.86, 0.91, 0.955, 1, 1.045, 1.09, 1.14];

/** Whether a content can be aligned: one thing on the plain ground, without a filter, whose texture is not where the thing is. */
export function canAlign({ things, layout, background, style }: SceneContent): boolean {
  const single = layout === "single" || layout === "small";
  return single && things.length === 1 && background === null && styleNamed(style).filter === null;
}

/** Finds scenes for images. Make one and use it for all: it keeps halved drawings. */
export class SceneAligner {
  readonly #coarse: SceneDrawer;
  readonly #fine: SceneDrawer;
  readonly #mix: SceneMix;
  readonly #sprites: Sprites;

  constructor(sprites: Sprites, mix: SceneMix, size: number) {
    this.#sprites = sprites;
    this.#mix = { ...mix, positionJitter: 0, sizeJitter: 0 };
    this.#coarse = new SceneDrawer(sprites, coarseSide);
    this.#fine = new SceneDrawer(sprites, size);
  }

  /**
   * @param pixels `[size, size, 3]` bytes
   * @param small the same at 64×64
   * @returns bytes of the scene, and how near it comes in decibels
   */
  align(content: SceneContent, pixels: Uint8Array, small: Uint8Array): { scene: Uint8Array; psnr: number } {
    const recipe = describeContent(content, 0, this.#mix, this.#sprites);
    const steps = Math.round(furthest * coarseSide);
    const shifts = Array.from({ length: 2 * steps + 1 }, (_, i) => (i - steps) / coarseSide);
    const coarse = shifts.flatMap((x) => shifts.flatMap((y) => sizes.map((size) => ({ x, y, size }))));
    let best = nearest(coarse, recipe, this.#coarse, small);
    const { size } = this.#fine;
    for (const [shift, grow] of [
      [2, 0.02],
      [1, 0.01],
    ] as const) {
      const { x, y, size: scale } = best.place;
      const around = (middle: number, step: number) => [middle - step, middle, middle + step];
      const places = around(x, shift / size).flatMap((x) =>
        around(y, shift / size).flatMap((y) => around(scale, grow).map((size) => ({ x, y, size }))),
      );
      best = nearest(places, recipe, this.#fine, pixels);
    }
    return { scene: best.scene, psnr: best.psnr };
  }
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

function nearest(places: readonly Place[], recipe: SceneRecipe, drawer: SceneDrawer, pixels: Uint8Array) {
  let best: { place: Place; scene: Uint8Array; psnr: number } | undefined;
  for (const place of places) {
    const placements = recipe.placements.map((each) => ({
      ...each,
      x: each.x + place.x,
      y: each.y + place.y,
      size: each.size * place.size,
    }));
    const scene = drawer.draw({ ...recipe, placements }).pixels;
    const near = psnr(scene, pixels);
    if (best === undefined || near > best.psnr) best = { place, scene, psnr: near };
  }
  return best!;
}
