// Telling apart what can be told apart, and not what cannot.
import { afterAll, expect, it } from "vitest";
import { makeEngine } from "../engine/node.js";
import { random } from "../random/index.js";
import { measureRealOrDrawn, type Pair } from "./real-or-drawn.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const size = 128;

/** Soft blobs, with fine stripes over them or not. */
function image(index: number, which: string, striped: boolean): Uint8Array {
  const numbers = random(3, which, index);
  const [fx, fy, phase] = [numbers.uniform() * 0.06, numbers.uniform() * 0.06, numbers.uniform() * 6];
  const pixels = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    const stripe = striped && (i % size) % 4 < 2 ? 40 : 0;
    pixels.fill(
      110 + 60 * Math.sin(fx * (i % size) + fy * Math.floor(i / size) + phase) + stripe,
      i * 3,
      i * 3 + 3,
    );
  }
  return pixels;
}

const pairs = (striped: boolean): Pair[] =>
  Array.from({ length: 30 }, (_, i) => ({
    caption: `caption ${i}`,
    composed: image(i, "composed", false),
    drawn: image(i, "drawn", striped),
  }));

const options = { engine, size, seed: 0, steps: 24 };

it("tells pictures with stripes from those without, of captions that it has not seen", async () => {
  const { accuracy, trained, asked } = await measureRealOrDrawn(pairs(true), options);
  expect([trained, asked]).toEqual([20, 10]);
  expect(accuracy).toBeGreaterThanOrEqual(0.9);
});

it("is no better than chance where both are made alike", async () => {
  const { accuracy, interval } = await measureRealOrDrawn(pairs(false), options);
  // 20 answers: chance is within the interval of 95%, or one of the rare seeds was hit, and then always.
  expect(interval[0]).toBeLessThanOrEqual(0.5);
  expect(accuracy).toBeLessThan(0.8);
});

it("refuses what is too little to learn from", async () => {
  await expect(measureRealOrDrawn(pairs(true).slice(0, 6), options)).rejects.toThrow(
    /at least 12 different captions, got 6/,
  );
});
