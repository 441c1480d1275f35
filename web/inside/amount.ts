// How much is drawn to explain an image.

export interface Amount {
  readonly otherSeeds: number;
  readonly leaveOut: number;
  readonly scales: readonly number[];
}

export const full: Amount = { otherSeeds: 15, leaveOut: 5, scales: [1, 2, 8, 15] };
/** For models that take minutes for an image. */
export const some: Amount = { otherSeeds: 0, leaveOut: 2, scales: [] };

/** Drawings in all: the image itself, and each variation of it. */
export const countDrawings = ({ otherSeeds, leaveOut, scales }: Amount) =>
  1 + otherSeeds + leaveOut + scales.length;
