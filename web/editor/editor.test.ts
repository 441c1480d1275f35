import { describe, expect, it } from "vitest";
import { drag, fitInside, getFrame, getHandlePoint, grow, isCropped, type Sizes } from "./frame.js";
import {
  emptyHistory,
  getMaskOperations,
  getSides,
  isMaskEmpty,
  noSides,
  type Operation,
  perform,
  redo,
  undo,
} from "./history.js";
import { changeSize, getSegments, thin } from "./strokes.js";
import { fitView, pinch, toImage, toScreen, zoomAt } from "./viewport.js";

const stroke = (x: number, erases = false): Operation => ({
  kind: "stroke",
  erases,
  size: 10,
  points: [{ x, y: 0, pressure: 1 }],
});
const performAll = (...operations: readonly Operation[]) => operations.reduce(perform, emptyHistory);

describe("the history", () => {
  it("undoes and redoes one stroke at a time", () => {
    const two = performAll(stroke(1), stroke(2));
    const one = undo(two);
    expect(one.done).toEqual([stroke(1)]);
    expect(redo(one)).toEqual(two);
    expect(redo(two)).toBe(two);
    expect(undo(emptyHistory)).toBe(emptyHistory);
  });

  it("forgets what was undone after a new stroke", () => {
    expect(redo(perform(undo(performAll(stroke(1))), stroke(2))).done).toEqual([stroke(2)]);
  });

  it("undoes a movement of the frame like a stroke", () => {
    const sides = { left: 64, right: 0, top: 0, bottom: 0 };
    const moved = performAll(stroke(1), { kind: "frame", sides });
    expect(getSides(moved)).toEqual(sides);
    expect(getSides(undo(moved))).toEqual(noSides);
    expect(getMaskOperations(moved)).toEqual([stroke(1)]);
  });

  it("starts the mask again after clear, fill and a mask from a file", () => {
    expect(getMaskOperations(performAll(stroke(1), { kind: "clear" }, stroke(2)))).toEqual([stroke(2)]);
    expect(getMaskOperations(performAll(stroke(1), { kind: "fill" }, { kind: "invert" }))).toEqual([
      { kind: "fill" },
      { kind: "invert" },
    ]);
  });

  it("knows an empty mask", () => {
    expect(isMaskEmpty(emptyHistory)).toBe(true);
    expect(isMaskEmpty(performAll(stroke(1), { kind: "clear" }))).toBe(true);
    expect(isMaskEmpty(performAll(stroke(1, true)))).toBe(true);
    expect(isMaskEmpty(performAll({ kind: "invert" }))).toBe(false);
    expect(isMaskEmpty(performAll({ kind: "clear" }, stroke(1)))).toBe(false);
  });
});

describe("the viewport", () => {
  const image = { x: 0, y: 0, width: 400, height: 200 };

  it("fits and centres an image", () => {
    expect(fitView(image, { width: 840, height: 1000 }, 20)).toEqual({ scale: 2, x: 20, y: 300 });
  });

  it("keeps the point under the pointer when zooming", () => {
    const viewport = { scale: 1.5, x: 10, y: -20 };
    const zoomed = zoomAt(viewport, { x: 100, y: 50 }, 2);
    expect(zoomed.scale).toBe(3);
    const [before, after] = [toImage(viewport, { x: 100, y: 50 }), toImage(zoomed, { x: 100, y: 50 })];
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
    expect(toScreen(zoomed, after)).toEqual({ x: 100, y: 50 });
  });

  it("stops zooming at its limits", () => {
    expect(zoomAt({ scale: 20, x: 0, y: 0 }, { x: 0, y: 0 }, 100).scale).toBe(32);
    expect(zoomAt({ scale: 0.1, x: 0, y: 0 }, { x: 0, y: 0 }, 1e-9).scale).toBe(0.05);
  });

  it("follows two fingers", () => {
    const viewport = { scale: 1, x: 0, y: 0 };
    const moved = pinch(
      viewport,
      [
        { x: 0, y: 0 },
        { x: 100, y: 0 },
      ],
      [
        { x: 10, y: 5 },
        { x: 210, y: 5 },
      ],
    );
    expect(moved.scale).toBe(2);
    expect(toScreen(moved, { x: 0, y: 0 })).toEqual({ x: 10, y: 5 });
    expect(toScreen(moved, { x: 100, y: 0 })).toEqual({ x: 210, y: 5 });
  });
});

describe("the frame", () => {
  const image = { width: 512, height: 512 };
  const free: Sizes = { usual: image, range: { step: 64, least: 256, most: 1024 } };
  const fixed: Sizes = { usual: { width: 256, height: 256 }, range: null };

  it("grows in the model's steps and no further than the model draws", () => {
    expect(drag(noSides, "e", { x: 100, y: 0 }, image, free)).toEqual({ ...noSides, right: 128 });
    expect(drag(noSides, "w", { x: -5000, y: 0 }, image, free)).toEqual({ ...noSides, left: 512 });
    expect(drag({ ...noSides, right: 384 }, "w", { x: -300, y: 0 }, image, free).left).toBe(128);
    expect(drag(noSides, "n", { x: 0, y: 20 }, image, free)).toEqual(noSides);
    expect(drag(noSides, "se", { x: 64, y: 128 }, image, free)).toEqual({
      ...noSides,
      right: 64,
      bottom: 128,
    });
  });

  it("makes the whole a size that the model draws, whatever the image's size is", () => {
    const odd = { width: 500, height: 300 };
    const { right } = drag(noSides, "e", { x: 100, y: 0 }, odd, free);
    expect((odd.width + right) % 64).toBe(0);
  });

  it("lets a model of one size shrink the image to a third at most", () => {
    const small = { width: 256, height: 256 };
    expect(drag(noSides, "e", { x: 10_000, y: 0 }, small, fixed).right).toBe(512);
    expect(grow(noSides, "left", small, fixed)).toEqual({ ...noSides, left: 64 });
    expect(grow({ ...noSides, top: 64 }, "top", small, fixed).top).toBe(128);
  });

  it("shows a picture of another shape around the middle, where the server crops", () => {
    const wide = getFrame({ width: 400, height: 200 }, noSides);
    expect(fitInside(wide, { width: 256, height: 256 })).toEqual({ x: 100, y: 0, width: 200, height: 200 });
    expect(fitInside(wide, { width: 800, height: 400 })).toEqual(wide);
    expect(isCropped(wide, { width: 256, height: 256 })).toBe(true);
    expect(isCropped(wide, { width: 512, height: 256 })).toBe(false);
  });

  it("knows where its handles are", () => {
    const frame = getFrame(image, { left: 64, right: 0, top: 0, bottom: 128 });
    expect(frame).toEqual({ x: -64, y: 0, width: 576, height: 640 });
    expect(getHandlePoint(frame, "nw")).toEqual({ x: -64, y: 0 });
    expect(getHandlePoint(frame, "s")).toEqual({ x: 224, y: 640 });
  });
});

describe("strokes", () => {
  it("follow the pressure", () => {
    const points = [
      { x: 0, y: 0, pressure: 0 },
      { x: 10, y: 0, pressure: 1 },
    ];
    expect(getSegments(points, 40)).toEqual([{ from: points[0], to: points[1], width: 25 }]);
    expect(getSegments(points.slice(1), 40)[0]).toMatchObject({ width: 40 });
    expect(getSegments([], 40)).toEqual([]);
  });

  it("lose the points that nobody sees, but not their end", () => {
    const points = [0, 0.1, 0.2, 3, 3.1].map((x) => ({ x, y: 0, pressure: 1 }));
    expect(thin(points, 20).map(({ x }) => x)).toEqual([0, 3, 3.1]);
  });

  it("change their size in even steps between 1 and 1024", () => {
    expect(changeSize(1, -1)).toBe(1);
    expect(changeSize(1, 1)).toBe(2);
    expect(changeSize(60, 1)).toBe(70);
    expect(changeSize(1024, 1)).toBe(1024);
  });
});
