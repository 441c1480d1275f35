import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { discSprites } from "../../tests/data/disc-sprites.js";
import {
  backgroundNames,
  composeScene,
  describeContent,
  describeScene,
  firstBackgrounds,
  type Scene,
  SceneDrawer,
  type SceneOptions,
  sceneMix,
  scenes,
  styleNames,
  wholeCatalogue,
} from "./index.js";

const things = ["cat", "apple", "rocket", "grapes", "fish", "comb"];
const sprites = discSprites(things, ["3d", "flat"]);
const drawer = new SceneDrawer(sprites);
const filters = [
  "woodblock",
  "cubist",
  "pixel art",
  "pencil",
  "watercolour",
  "stained glass",
  "mosaic",
] as const;
const options: SceneOptions = { things };

function hashOf(list: readonly Scene[]): string {
  const hash = createHash("sha256");
  for (const scene of list) hash.update(scene.caption).update(scene.pixels);
  return hash.digest("hex").slice(0, 16);
}

function compose(count: number, mixOptions: SceneOptions): Scene[] {
  const mix = sceneMix(mixOptions);
  return Array.from({ length: count }, (_, index) => composeScene(0, index, drawer, mix));
}

async function collect(stream: AsyncIterable<Scene>): Promise<Scene[]> {
  const list: Scene[] = [];
  for await (const scene of stream) list.push(scene);
  return list;
}

describe("composeScene", () => {
  it("draws the same bytes and captions for the same seed, on every machine", () => {
    expect(hashOf(compose(12, options))).toBe("992aa7862fb175f6");
    const hashes = Object.fromEntries(
      (["3d", ...filters] as const).map((style) => [
        style,
        hashOf(compose(3, { things, styles: { [style]: 1 } })),
      ]),
    );
    expect(hashes).toMatchInlineSnapshot(`
      {
        "3d": "7c7b92b5b113f492",
        "cubist": "cbdf1f2c09bdc0d5",
        "mosaic": "a7857afdb863192f",
        "pencil": "a65f422d17b213ec",
        "pixel art": "430f102df07db334",
        "stained glass": "5c9cbe0a5f857f52",
        "watercolour": "9b3af32597e3707b",
        "woodblock": "be66766dcfbbe002",
      }
    `);
  });

  it("does not depend on what was drawn before", () => {
    const mix = sceneMix(options);
    const fresh = composeScene(0, 7, new SceneDrawer(sprites), mix);
    expect(hashOf([fresh])).toBe(hashOf([compose(9, options)[7]!]));
  });

  it("differs between seeds and numbers", () => {
    const mix = sceneMix(options);
    const hashes = [0, 1, 2].flatMap((seed) =>
      [0, 1, 2, 3].map((index) => hashOf([composeScene(seed, index, drawer, mix)])),
    );
    expect(new Set(hashes).size).toBe(12);
  });

  it("recolours a thing and keeps its shading", () => {
    const mix = sceneMix({
      things,
      styles: { "3d": 1 },
      twoThings: 0,
      counts: 0,
      small: 0,
      withBackground: 0,
      recoloured: 1,
    });
    for (let index = 0; index < 40; index++) {
      const { pixels, content } = composeScene(1, index, drawer, mix);
      const [red, green, blue] = meanOfMiddle(pixels);
      const colour = content.things[0]!.colour!;
      if (colour === "blue") expect(blue).toBeGreaterThan(Math.max(red, green) + 40);
      if (colour === "green") expect(green).toBeGreaterThan(Math.max(red, blue) + 30);
      if (colour === "red") expect(red).toBeGreaterThan(Math.max(green, blue) + 60);
      expect(darkestOfMiddle(pixels)).toBeLessThan((red + green + blue) * 0.6);
    }
  });

  it("keeps the thing in sight under every filter", () => {
    const base = { things, twoThings: 0, counts: 0, small: 0, withBackground: 0, recoloured: 0 };
    for (const style of filters) {
      const { pixels } = composeScene(4, 1, drawer, sceneMix({ ...base, styles: { [style]: 1 } }));
      const middle = meanOfMiddle(pixels);
      const corner = meanOf(pixels, 14, 190, 30, 30);
      const apart = Math.hypot(...middle.map((value, channel) => value - corner[channel]!));
      expect(apart, style).toBeGreaterThan(60);
    }
  });
});

describe("further fields of a mix", () => {
  const cats: SceneOptions = {
    things,
    styles: { "3d": 1 },
    twoThings: 0,
    counts: 0,
    small: 0,
    withBackground: 0,
  };
  const still = { ...cats, positionJitter: 0, sizeJitter: 0, recoloured: 0 };

  it("mirrors things, but none with letters or hands", () => {
    const mix = sceneMix(still);
    const recipe = describeScene(0, 1, mix, sprites);
    const half = { ...recipe, placements: recipe.placements.map((each) => ({ ...each, x: 0.3, size: 0.7 })) };
    const mirrored = {
      ...half,
      placements: half.placements.map((each) => ({ ...each, mirrored: true as const })),
    };
    // Discs are the same on both sides.
    expect(hashOf([drawer.draw(mirrored)])).toBe(hashOf([drawer.draw(half)]));
    const whole = sceneMix({ ...still, things: ["cat", "wall clock"], mirrored: 1 });
    const list = Array.from({ length: 40 }, (_, i) => describeScene(3, i, whole, wholeCatalogue));
    for (const { placements } of list)
      for (const { thing, mirrored } of placements) expect(mirrored === true).toBe(thing === "cat");
  });

  it("exchanges left and right of what it mirrors", () => {
    const lopsided = discSprites(["cat", "apple"], ["3d"]);
    const sprite = lopsided.get("cat", "3d");
    for (let at = 0; at < sprite.rgba.length; at += 4)
      if ((at / 4) % sprite.width < sprite.width / 2) sprite.rgba.fill(0, at, at + 4);
    const artist = new SceneDrawer(lopsided);
    const recipe = describeContent(
      { things: [{ name: "cat", colour: null, count: 1 }], layout: "single", background: null, style: "3d" },
      1,
      sceneMix(still),
      lopsided,
    );
    const turned = {
      ...recipe,
      placements: recipe.placements.map((each) => ({ ...each, mirrored: true as const })),
    };
    const [left, right] = [
      meanOf(artist.draw(recipe).pixels, 60, 118, 30, 30),
      meanOf(artist.draw(turned).pixels, 166, 118, 30, 30),
    ];
    expect(left).toEqual([250, 250, 250]);
    expect(right).toEqual([250, 250, 250]);
    expect(meanOf(artist.draw(turned).pixels, 60, 118, 30, 30)).not.toEqual([250, 250, 250]);
  });

  it("draws a style from several sets, as the mix weighs them", () => {
    const mix = sceneMix({ ...still, styles: { flat: 1 }, drawings: { flat: { flat: 1, sticker: 1 } } });
    const sets = Array.from({ length: 200 }, (_, i) => describeScene(0, i, mix, wholeCatalogue)).flatMap(
      ({ placements }) => placements.map(({ set }) => set),
    );
    expect(sets.filter((set) => set === "sticker").length / sets.length).toBeCloseTo(0.5, 1);
    expect(new Set(sets)).toEqual(new Set(["flat", "sticker"]));
    expect(() => sceneMix({ drawings: { flat: { kat: 1 } as never } })).toThrow(/Unknown sprite set "kat"/);
  });

  it("draws further styles and backgrounds the same on every machine", () => {
    const one = { things, twoThings: 0, counts: 0, withBackground: 1, plainBackground: 0 };
    const styles = ["ink wash", "gouache", "woodblock", "cubist"] as const;
    const hashes = styles.map((style) => hashOf(compose(2, { ...one, styles: { [style]: 1 }, filters: 2 })));
    const further = backgroundNames.filter((name) => !firstBackgrounds.includes(name));
    const grounds = further.map((name) =>
      hashOf(compose(1, { ...one, styles: { flat: 1 }, backgrounds: [name] })),
    );
    expect(new Set(grounds).size).toBe(further.length);
    expect([
      ...hashes,
      createHash("sha256").update(grounds.join()).digest("hex").slice(0, 16),
    ]).toMatchInlineSnapshot(`
      [
        "99a82d8e6dd9f63d",
        "141004dcebafa3da",
        "bb7a0825423f859b",
        "769d2399dc779bc7",
        "c66b2cffd00ebdd5",
      ]
    `);
  });

  it("has second versions of filters", () => {
    for (const style of ["woodblock", "cubist"] as const) {
      const [one, two] = [{}, { filters: 2 as const }].map((more) =>
        hashOf(compose(2, { things, styles: { [style]: 1 }, ...more })),
      );
      expect(one).not.toBe(two);
    }
  });
});

describe("scenes", () => {
  it("yields the same scenes whatever the number of workers", async () => {
    const expected = hashOf(compose(15, options));
    for (const workers of [0, 1, 3]) {
      const list = await collect(scenes({ seed: 0, count: 15, workers, options, sprites }));
      expect(hashOf(list), `${workers} workers`).toBe(expected);
    }
  });

  it("goes on from a number as if it had not stopped", async () => {
    const rest = await collect(scenes({ seed: 0, from: 6, count: 5, workers: 2, options, sprites }));
    expect(hashOf(rest)).toBe(hashOf(compose(11, options).slice(6)));
  });

  it("ends its threads when the reader leaves, and when it is cancelled", async () => {
    let seen = 0;
    for await (const scene of scenes({ seed: 0, workers: 2, options, sprites })) {
      expect(scene.pixels).toHaveLength(256 * 256 * 3);
      if (++seen === 5) break;
    }
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of scenes({
        seed: 0,
        workers: 1,
        options,
        sprites,
        signal: controller.signal,
      })) {
        controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
  });

  it("says what a worker could not draw", async () => {
    const none = discSprites(["cat", "dog"], ["3d"]);
    const reading = collect(
      scenes({ seed: 0, count: 3, options: { things, styles: { flat: 1 } }, sprites: none }),
    );
    await expect(reading).rejects.toMatchObject({ code: "data", message: /No scene can be drawn/ });
  });

  it("refuses options that cannot be right", async () => {
    const bad: SceneOptions[] = [
      { things: ["cat", "kat"] },
      { twoThings: 1.2 },
      { twoThings: 0.7, counts: 0.7 },
    ];
    for (const wrong of bad)
      expect(() => sceneMix(wrong)).toThrow(
        /Unknown thing "kat"|expected a (number from 0 to|sum of at most) 1/,
      );
    await expect(collect(scenes({ seed: 0, count: 1, workers: -1, sprites }))).rejects.toMatchObject({
      code: "usage",
    });
    expect(styleNames).toHaveLength(17);
  });
});

function meanOfMiddle(pixels: Uint8Array): [number, number, number] {
  return meanOf(pixels, 98, 118, 60, 60);
}

/** Sum of the channels of the darkest pixel where the disc's eyes are. */
function darkestOfMiddle(pixels: Uint8Array): number {
  let least = 765;
  for (let y = 80; y < 140; y++) {
    for (let x = 60; x < 200; x++) {
      const at = (y * 256 + x) * 3;
      least = Math.min(least, pixels[at]! + pixels[at + 1]! + pixels[at + 2]!);
    }
  }
  return least;
}

function meanOf(
  pixels: Uint8Array,
  left: number,
  top: number,
  width: number,
  height: number,
): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      for (let channel = 0; channel < 3; channel++) sum[channel]! += pixels[(y * 256 + x) * 3 + channel]!;
    }
  }
  return [sum[0] / (width * height), sum[1] / (width * height), sum[2] / (width * height)];
}
