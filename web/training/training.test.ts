import { describe, expect, it } from "vitest";
import { captionFromName, pairCaptions } from "./captions.js";
import { addPoint, getPath, type LossPoint, smooth } from "./curve.js";

describe("the loss curve", () => {
  const points: readonly LossPoint[] = [1, 2, 3, 4].map((step) => ({ step, loss: 4 / step }));

  it("takes each step once, and goes back after a resume", () => {
    expect(addPoint(points, { step: 4, loss: 9 })).toBe(points);
    expect(addPoint(points, { step: 5, loss: Number.NaN })).toBe(points);
    expect(addPoint(points, { step: 3, loss: 9 })).toEqual([...points.slice(0, 2), { step: 3, loss: 9 }]);
    expect(addPoint([], points[0]!)).toEqual([points[0]]);
  });

  it("is smoothed between its values", () => {
    const long = Array.from({ length: 200 }, (_, step) => ({ step, loss: step % 2 }));
    const last = smooth(long).at(-1)!.loss;
    expect(last).toBeGreaterThan(0.35);
    expect(last).toBeLessThan(0.65);
    expect(smooth([])).toEqual([]);
  });

  it("grows into its box", () => {
    const path = getPath(
      [
        { step: 0, loss: 1 },
        { step: 50, loss: 0 },
      ],
      { width: 100, height: 10, steps: 100 },
    );
    expect(path).toMatch(/^M0,[\d.]+L50,10$/);
    expect(getPath([], { width: 1, height: 1, steps: 1 })).toBe("");
    expect(getPath([{ step: 0, loss: 0 }], { width: 1, height: 1, steps: 0 })).toBe("M0,1");
  });
});

describe("captions", () => {
  it("come from names that say something", () => {
    expect(captionFromName("tabby_cat-03 (1).png")).toBe("tabby cat");
    for (const name of ["IMG_1234.jpg", "0a1b2c3d4e5f6a7b.png", "2026-11-28.png", "Screenshot.png"])
      expect(captionFromName(name)).toBe("");
  });

  it("come from the text file beside the picture, else from its name or folder", () => {
    const file = (path: string) => ({ name: path.split("/").at(-1)!, path });
    const files = [
      "my cats/10.png",
      "my cats/2.png",
      "my cats/2.txt",
      "red dog.webp",
      "notes.txt",
      "a.mp4",
    ].map(file);
    const pairs = pairCaptions(files).map(({ picture, captionFile, guess }) => [
      picture.path,
      captionFile?.path,
      guess,
    ]);
    expect(pairs).toEqual([
      ["my cats/2.png", "my cats/2.txt", "my cats"],
      ["my cats/10.png", undefined, "my cats"],
      ["red dog.webp", undefined, "red dog"],
    ]);
  });
});
