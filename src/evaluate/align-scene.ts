// Finds the composed scene nearest to an image: same content, in the best of the drawings that the mix takes for its
// style, at the best position and size. Prompts leave those open, so comparing with a fixed one would measure the choice.
import {
  canBeMirrored,
  describeContent,
  type Placement,
  type SceneContent,
  SceneDrawer,
  type SceneMix,
  type SceneRecipe,
  type Sprites,
  setsOf,
  styleNamed,
} from "../data/index.js";
import { psnr } from "./image-measures.js";

/** Side of the images in the first search; its largest shift, as a share of the side; its relative sizes. */
const coarseSide = 64;
const furthest = 0.07;
const sizes = [0.86, 0.91, 0.955, 1, 1.045, 1.09, 1.14];

/**
 * Whether a content can be aligned: one thing, no background, no filter (a filter's texture does not move
 * along).
 */
export function canAlign({ things, layout, background, style }: SceneContent): boolean {
  const single = layout === "single" || layout === "small";
  return single && things.length === 1 && background === null && styleNamed(style).filter === null;
}

/** Finds scenes for images. Reuse one aligner: it caches resized drawings. */
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
   * @param small the same image at 64×64
   * @returns the scene's bytes, and its PSNR in dB to the image
   */
  align(content: SceneContent, pixels: Uint8Array, small: Uint8Array): { scene: Uint8Array; psnr: number } {
    const recipe = describeContent(content, 0, this.#mix, this.#sprites);
    const drawings = this.#drawingsOf(recipe);
    const steps = Math.round(furthest * coarseSide);
    const shifts = Array.from({ length: 2 * steps + 1 }, (_, i) => (i - steps) / coarseSide);
    const coarse = shifts.flatMap((x) => shifts.flatMap((y) => sizes.map((size) => ({ x, y, size }))));
    const found = drawings.map((drawing) => ({ drawing, ...nearest(coarse, drawing, this.#coarse, small) }));
    const { drawing, ...first } = found.reduce((best, each) => (each.psnr > best.psnr ? each : best));
    let best: Near = first;
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
      best = nearest(places, drawing, this.#fine, pixels);
    }
    return { scene: best.scene, psnr: best.psnr };
  }

  /** The recipe with each of the drawings that scenes of its style take for its thing, also mirrored if some are. */
  #drawingsOf(recipe: SceneRecipe): readonly SceneRecipe[] {
    const { drawings, mirrored = 0 } = this.#mix;
    const [{ mirrored: _, ...placement }] = recipe.placements as [Placement];
    return setsOf(recipe.content.style, { drawings })
      .filter((set) => this.#sprites.has(placement.thing, set))
      .flatMap((set) => {
        const plain = { ...placement, set };
        const both = mirrored > 0 && canBeMirrored(placement.thing);
        return [plain, ...(both ? [{ ...plain, mirrored: true as const }] : [])];
      })
      .map((one) => ({ ...recipe, placements: [one] }));
  }
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

interface Near {
  readonly place: Place;
  readonly scene: Uint8Array;
  readonly psnr: number;
}

function nearest(
  places: readonly Place[],
  recipe: SceneRecipe,
  drawer: SceneDrawer,
  pixels: Uint8Array,
): Near {
  let best: Near | undefined;
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
