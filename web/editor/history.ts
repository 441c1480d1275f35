// Undo and redo of the editor: a list of operations, each of them one stroke or one click.

/** A point of a stroke in the image's pixels; `pressure` from 0 to 1. */
export interface StrokePoint {
  readonly x: number;
  readonly y: number;
  readonly pressure: number;
}

/** Pixels that the frame adds on each side of the image. */
export interface Sides {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type Operation =
  | {
      readonly kind: "stroke";
      readonly erases: boolean;
      /** Diameter in the image's pixels, at full pressure. */
      readonly size: number;
      readonly points: readonly StrokePoint[];
    }
  | { readonly kind: "fill" }
  | { readonly kind: "clear" }
  | { readonly kind: "invert" }
  /** A mask that was uploaded earlier: replaces what was painted. */
  | { readonly kind: "mask"; readonly id: string }
  /** The frame was moved. */
  | { readonly kind: "frame"; readonly sides: Sides };

export interface History {
  readonly done: readonly Operation[];
  readonly undone: readonly Operation[];
}

export const emptyHistory: History = { done: [], undone: [] };

/** Operations that a history keeps; older ones can no longer be undone, which nobody has painted far enough to notice. */
const mostOperations = 2000;

export const perform = ({ done }: History, operation: Operation): History => ({
  done: [...done, operation].slice(-mostOperations),
  undone: [],
});

export function undo(history: History): History {
  const last = history.done.at(-1);
  if (!last) return history;
  return { done: history.done.slice(0, -1), undone: [...history.undone, last] };
}

export function redo(history: History): History {
  const next = history.undone.at(-1);
  if (!next) return history;
  return { done: [...history.done, next], undone: history.undone.slice(0, -1) };
}

export const noSides: Sides = { left: 0, right: 0, top: 0, bottom: 0 };

/** Where the frame is after all operations. */
export function getSides({ done }: History): Sides {
  const last = done.findLast((operation) => operation.kind === "frame");
  return last?.kind === "frame" ? last.sides : noSides;
}

/** The operations that make the mask, without those that a later one makes void. */
export function getMaskOperations({ done }: History): readonly Operation[] {
  const start = done.findLastIndex(({ kind }) => kind === "fill" || kind === "clear" || kind === "mask");
  const from = start < 0 ? 0 : done[start]!.kind === "clear" ? start + 1 : start;
  return done.slice(from).filter(({ kind }) => kind !== "frame");
}

/** Whether nothing is painted; a mask whose strokes are all erased again counts as painted. */
export const isMaskEmpty = (history: History) =>
  !getMaskOperations(history).some(
    (operation) => !(operation.kind === "stroke" && operation.erases) && operation.kind !== "clear",
  );
