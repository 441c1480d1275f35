import { expect, test } from "vitest";
import { boxMuller, cosNearZero, minusLog, sinNearZero } from "./box-muller.js";
import { random } from "./random.js";

const words = Array.from({ length: 2000 }, (_, i) => random(1, "words", i).uint32());
const edges = [0, 1, 2, 3, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 0xb504f333, 0xb504f334];

test("minusLog is -ln((k + 0.5) / 2^32) to 1e-14 relative, from the smallest word to the largest", () => {
  for (const k of [...edges, ...words]) {
    // Near 1 the logarithm of the rounded quotient would lose digits; log1p of the exact difference does not.
    const exact = k < 2 ** 31 ? -Math.log((k + 0.5) / 2 ** 32) : -Math.log1p((k + 0.5 - 2 ** 32) / 2 ** 32);
    expect(Math.abs(minusLog(k) / exact - 1)).toBeLessThan(1e-14);
  }
});

test("sine and cosine are right to 1e-15 within π/4", () => {
  for (let phi = -Math.PI / 4; phi <= Math.PI / 4; phi += 0.001) {
    expect(Math.abs(sinNearZero(phi) - Math.sin(phi))).toBeLessThan(1e-15);
    expect(Math.abs(cosNearZero(phi) - Math.cos(phi))).toBeLessThan(1e-15);
  }
});

test("boxMuller lies on the circle whose radius and angle the words say, and is finite for every extreme word", () => {
  const out = new Float32Array(2);
  for (const a of [...edges, ...words.slice(0, 100)])
    for (const b of [...edges, ...words.slice(100, 200)]) {
      boxMuller(a, b, out, 0);
      const radius = Math.sqrt(2 * minusLog(a));
      const angle = ((b + 0.5) / 2 ** 32) * 2 * Math.PI - Math.PI / 4;
      expect(Math.abs(out[0]! - radius * Math.cos(angle))).toBeLessThan(1e-6);
      expect(Math.abs(out[1]! - radius * Math.sin(angle))).toBeLessThan(1e-6);
    }
});
