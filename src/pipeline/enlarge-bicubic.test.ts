import { expect, it } from "vitest";
import { enlargeBicubic } from "./enlarge-bicubic.js";

// torch 2.15: F.interpolate(x, size, mode="bicubic", align_corners=False, antialias=True) of [[0, 1, 4], [9, 16, 25]].
it("enlarges as PyTorch's interpolation does with antialias", () => {
  const data = Float32Array.of(0, 1, 4, 9, 16, 25);
  const large = enlargeBicubic({ data, width: 3, height: 2 }, { width: 6, height: 4 });
  const expected = [
    [-0.8356, -0.7589, -0.5974, 0.2557, 1.6885, 2.3651],
    [1.6664, 2.197, 3.3191, 5.2005, 7.5939, 8.7244],
    [6.6277, 8.0584, 11.0854, 15.0056, 19.3039, 21.3345],
    [9.1298, 11.0144, 15.002, 19.9504, 25.2093, 27.6938],
  ];
  expect([...large]).toEqual(expected.flat().map((value) => expect.closeTo(value, 3)));
});

it("keeps what has one colour, to the edges", () => {
  const large = enlargeBicubic(
    { data: new Float32Array(12).fill(0.3), width: 2, height: 2 },
    { width: 8, height: 6 },
  );
  expect(large).toHaveLength(3 * 48);
  for (const value of large) expect(value).toBeCloseTo(0.3, 6);
});
