// How things are placed in the embedded model's training images, and so where it expects them.

/**
 * One thing; one small thing; two side by side; the first left of or above the second, as the caption states;
 * several of one thing.
 */
export type LayoutName = "single" | "small" | "pair" | "left" | "above" | "count";

/** Centre and longer side as fractions of the image's side. */
export type Slot = readonly [x: number, y: number, size: number];

/** The boxes of a layout's things, in reading order. */
export function layoutSlots(layout: LayoutName, count: number): readonly Slot[] {
  switch (layout) {
    case "single":
      return [[0.5, 0.5, 0.76]];
    case "small":
      return [[0.5, 0.5, 0.36]];
    case "pair":
    case "left":
      return [
        [0.27, 0.5, 0.46],
        [0.73, 0.5, 0.46],
      ];
    case "above":
      return [
        [0.5, 0.26, 0.44],
        [0.5, 0.74, 0.44],
      ];
    case "count":
      return countSlots(count);
  }
}

function countSlots(count: number): readonly Slot[] {
  const quarter = [
    [0.28, 0.28, 0.4],
    [0.72, 0.28, 0.4],
    [0.28, 0.72, 0.4],
    [0.72, 0.72, 0.4],
  ] as const;
  if (count === 2) {
    return [
      [0.27, 0.5, 0.45],
      [0.73, 0.5, 0.45],
    ];
  }
  return count === 3 ? [[0.5, 0.28, 0.4], quarter[2], quarter[3]] : quarter;
}
