// How much is drawn to explain an image.

export interface Amount {
  readonly otherSeeds: number;
  readonly leaveOut: number;
  readonly scales: readonly number[];
  /** Whether the prompt is taken apart word by word. */
  readonly autopsy: boolean;
}

export const full: Amount = { otherSeeds: 15, leaveOut: 5, scales: [1, 2, 8, 15], autopsy: true };
/** For models that take minutes for an image. */
export const some: Amount = { otherSeeds: 0, leaveOut: 2, scales: [], autopsy: false };

/** What taking a prompt apart costs, in drawings. */
const autopsyDrawings = 8;

/** Drawings in all: the image itself, and each variation of it. */
export const countDrawings = ({ otherSeeds, leaveOut, scales, autopsy }: Amount) =>
  1 + otherSeeds + leaveOut + scales.length + (autopsy ? autopsyDrawings : 0);
