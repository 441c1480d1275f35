// Draws a described scene: background, sprites (resampled and recoloured), then the style's filter. Plain
// typed-array code for speed: training uses hundreds of thousands of scenes.

import { paintBackground } from "./backgrounds.js";
import { type ColourName, colourTable, luminance } from "./colours.js";
import { getFilter } from "./filters/index.js";
import { type Placement, type Scene, type SceneRecipe, sceneSize } from "./scene-types.js";
import type { Sprite, Sprites } from "./sprites.js";
import { styleNamed } from "./styles.js";

/** A sprite at one size. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** Cached per sprite: halved copies, and colour tables. */
interface Prepared {
  readonly levels: Level[];
  readonly middle: number;
  readonly tables: Map<ColourName, Uint8Array>;
}

/**
 * Draws scenes from sprites. Reuse one drawer: it caches resized and recoloured sprites.
 */
export class SceneDrawer {
  readonly sprites: Sprites;
  readonly size: number;
  readonly #prepared = new Map<Sprite, Prepared>();

  /**
   * @param size side of scenes in pixels; lines and textures of filters have the same width in pixels at
   * every size
   */
  constructor(sprites: Sprites, size = sceneSize) {
    this.sprites = sprites;
    this.size = size;
  }

  /** Draws a scene as `size × size` RGB bytes. Equal recipes and sprites give equal bytes. */
  draw(recipe: SceneRecipe): Scene {
    const { content, caption, phrases, placements, variant, filters: version } = recipe;
    const { size } = this;
    const pixels = new Uint8Array(size * size * 3);
    const mask = new Uint8Array(size * size);
    paintBackground(pixels, size, content.background, variant);
    for (const placement of placements) this.#place(pixels, mask, placement);
    const { filter } = styleNamed(content.style);
    const plain = content.background === null;
    const finished =
      filter === null
        ? pixels
        : getFilter(filter, version)({ pixels, mask, size, variant: variant >>> 8, plain });
    return { pixels: finished, caption, phrases, placements, content };
  }

  /** Where things lie: `size × size` bytes, 255 where one of them covers the background wholly. */
  drawMask(placements: readonly Placement[]): Uint8Array {
    const mask = new Uint8Array(this.size * this.size);
    const pixels = new Uint8Array(mask.length * 3);
    for (const placement of placements) this.#place(pixels, mask, placement);
    return mask;
  }

  #place(pixels: Uint8Array, mask: Uint8Array, placement: Placement): void {
    const sprite = this.sprites.get(placement.thing, placement.set);
    const prepared = this.#prepare(sprite);
    const longer = placement.size * this.size;
    const scale = longer / Math.max(sprite.width, sprite.height);
    // Halve until at most 0.6 of the pixels are skipped; then sampling four neighbours is smooth enough.
    let depth = 0;
    while (scale * 2 ** depth < 0.6) depth++;
    const level = levelAt(prepared, depth);
    const table = placement.colour === null ? null : colourOf(prepared, placement.colour);
    const width = sprite.width * scale;
    const height = sprite.height * scale;
    const left = placement.x * this.size - width / 2;
    const top = placement.y * this.size - height / 2;
    const box = { left, top, width, height, mirrored: placement.mirrored === true };
    stamp({ pixels, mask, size: this.size }, level, table, box);
  }

  #prepare(sprite: Sprite): Prepared {
    let prepared = this.#prepared.get(sprite);
    if (prepared === undefined) {
      prepared = { levels: [sprite], middle: medianLuminance(sprite.rgba), tables: new Map() };
      this.#prepared.set(sprite, prepared);
    }
    return prepared;
  }
}

function colourOf(prepared: Prepared, colour: ColourName): Uint8Array {
  let table = prepared.tables.get(colour);
  if (table === undefined) {
    table = colourTable(colour, prepared.middle);
    prepared.tables.set(colour, table);
  }
  return table;
}

function medianLuminance(rgba: Uint8Array): number {
  const counts = new Uint32Array(256);
  let total = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3]! < 128) continue;
    const seen = luminance(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
    const value = Math.min(255, Math.round((seen * 255) / rgba[at + 3]!));
    counts[value] = counts[value]! + 1;
    total++;
  }
  let seen = 0;
  for (let value = 0; value < 256; value++) {
    seen += counts[value]!;
    if (seen * 2 >= total) return value;
  }
  return 128;
}

function levelAt(prepared: Prepared, depth: number): Level {
  while (prepared.levels.length <= depth) prepared.levels.push(halve(prepared.levels.at(-1)!));
  return prepared.levels[depth]!;
}

function halve(level: Level): Level {
  const width = Math.max(1, level.width >> 1);
  const height = Math.max(1, level.height >> 1);
  const rgba = new Uint8Array(width * height * 4);
  const right = level.width > 1 ? 4 : 0;
  const down = level.height > 1 ? level.width * 4 : 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 4; channel++) {
        const from = (y * 2 * level.width + x * 2) * 4 + channel;
        const sum =
          level.rgba[from]! +
          level.rgba[from + right]! +
          level.rgba[from + down]! +
          level.rgba[from + down + right]!;
        rgba[(y * width + x) * 4 + channel] = (sum + 2) >> 2;
      }
    }
  }
  return { width, height, rgba };
}

/** The canvas. */
interface Sheet {
  readonly pixels: Uint8Array;
  readonly mask: Uint8Array;
  readonly size: number;
}

/** A rectangle of the image, in pixels, not necessarily whole. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Left and right of what fills it are exchanged. */
  readonly mirrored: boolean;
}

/** For each pixel along one side of a box: the two source pixels to blend, and the share of the second. */
interface Axis {
  readonly first: number;
  readonly last: number;
  readonly near: Int32Array;
  readonly far: Int32Array;
  readonly share: Float64Array;
}

/** @param stride distance of neighbouring source pixels in bytes */
function makeAxis(
  start: number,
  length: number,
  count: number,
  stride: number,
  size: number,
  mirrored = false,
): Axis {
  const first = Math.max(0, Math.ceil(start));
  const last = Math.min(size - 1, Math.floor(start + length));
  const total = Math.max(0, last - first + 1);
  const axis = {
    first,
    last,
    near: new Int32Array(total),
    far: new Int32Array(total),
    share: new Float64Array(total),
  };
  for (let step = 0; step < total; step++) {
    const along = ((first + step + 0.5 - start) * count) / length;
    const source = Math.max(0, Math.min(count - 1, (mirrored ? count - along : along) - 0.5));
    const whole = Math.floor(source);
    axis.near[step] = whole * stride;
    axis.far[step] = Math.min(count - 1, whole + 1) * stride;
    axis.share[step] = source - whole;
  }
  return axis;
}

/**
 * Blends a sprite over the image, sampled from its four nearest pixels; `table` recolours it by luminance.
 */
function stamp({ pixels, mask, size }: Sheet, level: Level, table: Uint8Array | null, box: Box): void {
  const { rgba } = level;
  const across = makeAxis(box.left, box.width, level.width, 4, size, box.mirrored);
  const down = makeAxis(box.top, box.height, level.height, level.width * 4, size);
  for (let y = down.first; y <= down.last; y++) {
    const near = down.near[y - down.first]!;
    const far = down.far[y - down.first]!;
    const fy = down.share[y - down.first]!;
    for (let x = across.first; x <= across.last; x++) {
      const step = x - across.first;
      const fx = across.share[step]!;
      const a = near + across.near[step]!;
      const b = near + across.far[step]!;
      const c = far + across.near[step]!;
      const d = far + across.far[step]!;
      const wa = (1 - fx) * (1 - fy);
      const wb = fx * (1 - fy);
      const wc = (1 - fx) * fy;
      const wd = fx * fy;
      const alpha = rgba[a + 3]! * wa + rgba[b + 3]! * wb + rgba[c + 3]! * wc + rgba[d + 3]! * wd;
      if (alpha < 1) continue;
      let red = rgba[a]! * wa + rgba[b]! * wb + rgba[c]! * wc + rgba[d]! * wd;
      let green = rgba[a + 1]! * wa + rgba[b + 1]! * wb + rgba[c + 1]! * wc + rgba[d + 1]! * wd;
      let blue = rgba[a + 2]! * wa + rgba[b + 2]! * wb + rgba[c + 2]! * wc + rgba[d + 2]! * wd;
      const cover = alpha / 255;
      if (table !== null) {
        const value = Math.floor(Math.min(255, luminance(red, green, blue) / cover)) * 3;
        red = table[value]! * cover;
        green = table[value + 1]! * cover;
        blue = table[value + 2]! * cover;
      }
      const at = y * size + x;
      pixels[at * 3] = pixels[at * 3]! * (1 - cover) + red + 0.5;
      pixels[at * 3 + 1] = pixels[at * 3 + 1]! * (1 - cover) + green + 0.5;
      pixels[at * 3 + 2] = pixels[at * 3 + 2]! * (1 - cover) + blue + 0.5;
      mask[at] = mask[at]! * (1 - cover) + alpha;
    }
  }
}
