// Sprites for tests, drawn by arithmetic alone, so that fixed hashes depend on nothing but our own code.

import type { SpriteEntry } from "../../src/data/sprite-index.js";
import type { SetName } from "../../src/data/sprite-sets.js";
import { Sprites } from "../../src/data/sprites.js";
import { thingNamed } from "../../src/data/vocabulary.js";

/** A shaded disc with two dark eyes, `side` pixels wide, in a colour that depends on `tone`. */
function drawDisc(rgba: Uint8Array, side: number, tone: number): void {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const dx = (x + 0.5) / side - 0.5;
      const dy = (y + 0.5) / side - 0.5;
      // Outside all bytes stay 0, as alpha multiplied in wants it.
      if (dx * dx + dy * dy >= 0.25) continue;
      const eye = Math.abs(Math.abs(dx) - 0.2) < 0.06 && Math.abs(dy + 0.1) < 0.06;
      const light = eye ? 20 : 200 - 120 * (dy + 0.5);
      const at = (y * side + x) * 4;
      rgba[at] = light;
      rgba[at + 1] = (light * (tone + 1)) / 8;
      rgba[at + 2] = (light * (7 - tone)) / 8;
      rgba[at + 3] = 255;
    }
  }
}

/** One disc for every thing in every set. */
export function discSprites(things: readonly string[], sets: readonly SetName[], side = 96): Sprites {
  const sprites: SpriteEntry[] = [];
  const pixels: Record<string, SharedArrayBuffer> = {};
  for (const set of sets) {
    const buffer = new SharedArrayBuffer(things.length * side * side * 4);
    pixels[set] = buffer;
    for (const [position, thing] of things.entries()) {
      const offset = position * side * side * 4;
      drawDisc(new Uint8Array(buffer, offset, side * side * 4), side, position % 7);
      sprites.push({ thing, set, codePoint: thingNamed(thing).codePoint, width: side, height: side, offset });
    }
  }
  const entries = sets.map((name) => ({
    name,
    file: `${name}.rgba`,
    packageName: "none",
    packageVersion: "0",
    licence: "MIT",
    attribution: "drawn by the test",
  }));
  return new Sprites({ index: { version: 1, size: side, sets: entries, sprites }, pixels });
}
