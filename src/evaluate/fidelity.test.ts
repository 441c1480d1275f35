// Image-to-image of the embedded model gives back more of an image the less noise it starts from.
import { expect, it } from "vitest";
import type { Scene } from "../data/index.js";
import { random } from "../random/index.js";
import { measureFidelity } from "./fidelity.js";

it("falls as the strength grows, and is the same each time", async () => {
  const size = 256;
  const grey = (seed: number): Scene => ({
    pixels: new Uint8Array(size * size * 3).fill(60 + 100 * random(seed, "grey").uniform()),
    caption: "a cat on a grey background",
    content: { things: [], layout: "single", background: null, style: "flat" },
    phrases: [],
    placements: [],
  });
  const options = { machine: { threads: 1 }, request: { steps: 4 }, size };
  const found = await measureFidelity([grey(1), grey(2)], options);
  expect(found.scenes).toBe(2);
  // 0.1 is less than one of four steps.
  expect(Object.keys(found.psnr)).toEqual(["0.3", "0.5"]);
  expect(found.psnr["0.3"]).toBeGreaterThan(found.psnr["0.5"]!);
  expect(await measureFidelity([grey(1), grey(2)], options)).toEqual(found);
});
