// An image is compared with all that its model may have learned: the drawings of each set of its style, also mirrored.
import { describe, expect, it } from "vitest";
import { discSprites } from "../../tests/data/disc-sprites.js";
import { describeContent, type SceneContent, SceneDrawer, sceneMix } from "../data/index.js";
import { SceneAligner } from "./align-scene.js";
import { shrink } from "./copies.js";

const size = 256;
const sprites = discSprites(["cat", "apple"], ["flat", "sticker"]);
// The sticker's left half is black.
const sticker = new Uint8Array(sprites.shared.pixels.sticker!);
for (let at = 0; at < sticker.length; at += 4) if ((at / 4) % 96 < 48) sticker.fill(0, at, at + 3);

const cat: SceneContent = {
  things: [{ name: "cat", colour: null, count: 1 }],
  layout: "single",
  background: null,
  style: "flat",
};
const common = { things: ["cat", "apple"], styles: { flat: 1 } } as const;
const wide = sceneMix({ ...common, drawings: { flat: { flat: 1, sticker: 1 } }, mirrored: 0.5 });

/** A mirrored sticker, a little off the middle. */
function drawSticker(): Uint8Array {
  const recipe = describeContent(cat, 0, sceneMix({ ...common, positionJitter: 0, sizeJitter: 0 }), sprites);
  const placements = recipe.placements.map((each) => ({
    ...each,
    set: "sticker" as const,
    mirrored: true as const,
    x: each.x + 5 / size,
  }));
  return new SceneDrawer(sprites, size).draw({ ...recipe, placements }).pixels;
}

describe("SceneAligner", () => {
  it("finds the drawing, its side and its place among all that the mix takes", () => {
    const pixels = drawSticker();
    const align = (mix: typeof wide) =>
      new SceneAligner(sprites, mix, size).align(cat, pixels, shrink(pixels, size, 64)).psnr;
    expect(align(wide)).toBeGreaterThan(35);
    // Half of the disc is black in one and bright in the other.
    expect(align({ ...wide, mirrored: 0 })).toBeLessThan(20);
    expect(align(sceneMix(common))).toBeLessThan(20);
  });
});
