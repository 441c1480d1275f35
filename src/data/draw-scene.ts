// Draws a described scene: background, sprites (resampled and recoloured), then the style's filter. Plain typed-array code,
// because a model trains on hundreds of thousands of scenes.

import { paintBackground } from "./backgrounds.js";
import { type ColourName, colourTable, luminance } from "./colours.js";
import { filters } from "./filters/index.js";
import { type Placement, type Scene, type SceneRecipe, sceneSize } from "./scene-types.js";
import type { Sprite, Sprites } from "./sprites.js";
import { styleNamed } from "./styles.js";

/** A sprite with its alpha multiplied in, at one size. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** What is worked out once per sprite: halved copies, and the tables of the colours it was drawn in. */
interface Prepared {
  readonly levels: Level[];
  readonly middle: number;
  readonly tables: Map<ColourName, Uint8Array>;
}

/** Draws scenes from one set of sprites. Keeps what it worked out about each, so make one and use it for all. */
export class SceneDrawer {
  readonly sprites: Sprites;
  readonly #prepared = new Map<Sprite, Prepared>();

  constructor(sprites: Sprites) {
    this.sprites = sprites;
  }

  /** Draws a scene: 256×256 RGB bytes, the same for the same recipe and sprites. */
  draw(recipe: SceneRecipe): Scene {
    const { content, caption, variant } = recipe;
    const size = sceneSize;
    const pixels = new Uint8Array(size * size * 3);
    const mask = new Uint8Array(size * size);
    paintBackground(pixels, size, content.background, variant);
    for (const placement of recipe.placements) this.#place(pixels, mask, placement);
    const { filter } = styleNamed(content.style);
    const plain = content.background === null;
    const finished =
      filter === null ? pixels : filters[filter]({ pixels, mask, size, variant: variant >>> 8, plain });
    return { pixels: finished, caption, content };
  }

  #place(pixels: Uint8Array, mask: Uint8Array, placement: Placement): void {
    const sprite = this.sprites.get(placement.thing, placement.set);
    const prepared = this.#prepare(sprite);
    const longer = placement.size * sceneSize;
    const scale = longer / Math.max(sprite.width, sprite.height);
    // Halve until at most 0.6 of the pixels are skipped: sampling four neighbours is then smooth enough.
    let depth = 0;
    while (scale * 2 ** depth < 0.6) depth++;
    const level = levelAt(prepared, depth);
    const table = placement.colour === null ? null : colourOf(prepared, placement.colour);
    const width = sprite.width * scale;
    const height = sprite.height * scale;
    const left = placement.x * sceneSize - width / 2;
    const top = placement.y * sceneSize - height / 2;
    stamp(pixels, mask, level, table, { left, top, width, height });
  }

  #prepare(sprite: Sprite): Prepared {
    let prepared = this.#prepared.get(sprite);
    if (prepared === undefined) {
      const full: Level = { width: sprite.width, height: sprite.height, rgba: multiplyAlpha(sprite.rgba) };
      prepared = { levels: [full], middle: medianLuminance(sprite.rgba), tables: new Map() };
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

function multiplyAlpha(rgba: Uint8Array): Uint8Array {
  const out = new Uint8Array(rgba.length);
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3]!;
    out[at] = (rgba[at]! * alpha + 127) / 255;
    out[at + 1] = (rgba[at + 1]! * alpha + 127) / 255;
    out[at + 2] = (rgba[at + 2]! * alpha + 127) / 255;
    out[at + 3] = alpha;
  }
  return out;
}

function medianLuminance(rgba: Uint8Array): number {
  const counts = new Uint32Array(256);
  let total = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3]! < 128) continue;
    const value = luminance(rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
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

/** A rectangle of the picture, in pixels, not necessarily whole. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Blends a sprite over the picture, sampled from its four nearest pixels; `table` recolours it by luminance. */
function stamp(pixels: Uint8Array, mask: Uint8Array, level: Level, table: Uint8Array | null, box: Box): void {
  const { width, height, rgba } = level;
  const stepX = width / box.width;
  const stepY = height / box.height;
  const firstX = Math.max(0, Math.ceil(box.left));
  const lastX = Math.min(sceneSize - 1, Math.floor(box.left + box.width));
  const firstY = Math.max(0, Math.ceil(box.top));
  const lastY = Math.min(sceneSize - 1, Math.floor(box.top + box.height));
  for (let y = firstY; y <= lastY; y++) {
    const sy = Math.max(0, Math.min(height - 1, (y + 0.5 - box.top) * stepY - 0.5));
    const y0 = Math.floor(sy);
    const fy = sy - y0;
    const row0 = y0 * width * 4;
    const row1 = Math.min(height - 1, y0 + 1) * width * 4;
    for (let x = firstX; x <= lastX; x++) {
      const sx = Math.max(0, Math.min(width - 1, (x + 0.5 - box.left) * stepX - 0.5));
      const x0 = Math.floor(sx);
      const fx = sx - x0;
      const column0 = x0 * 4;
      const column1 = Math.min(width - 1, x0 + 1) * 4;
      const a = row0 + column0;
      const b = row0 + column1;
      const c = row1 + column0;
      const d = row1 + column1;
      const wa = (1 - fx) * (1 - fy);
      const wb = fx * (1 - fy);
      const wc = (1 - fx) * fy;
      const wd = fx * fy;
      const alpha = rgba[a + 3]! * wa + rgba[b + 3]! * wb + rgba[c + 3]! * wc + rgba[d + 3]! * wd;
      if (alpha < 1) continue;
      let red = rgba[a]! * wa + rgba[b]! * wb + rgba[c]! * wc + rgba[d]! * wd;
      let green = rgba[a + 1]! * wa + rgba[b + 1]! * wb + rgba[c + 1]! * wc + rgba[d + 1]! * wd;
      let blue = rgba[a + 2]! * wa + rgba[b + 2]! * wb + rgba[c + 2]! * wc + rgba[d + 2]! * wd;
      if (table !== null) {
        const value = Math.min(255, luminance(red, green, blue) * (255 / alpha)) | 0;
        const cover = alpha / 255;
        red = table[value * 3]! * cover;
        green = table[value * 3 + 1]! * cover;
        blue = table[value * 3 + 2]! * cover;
      }
      const rest = 1 - alpha / 255;
      const at = y * sceneSize + x;
      pixels[at * 3] = pixels[at * 3]! * rest + red + 0.5;
      pixels[at * 3 + 1] = pixels[at * 3 + 1]! * rest + green + 0.5;
      pixels[at * 3 + 2] = pixels[at * 3 + 2]! * rest + blue + 0.5;
      mask[at] = mask[at]! * rest + alpha;
    }
  }
}
