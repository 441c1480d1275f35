// Where weights are stored on disk.
import type { StoredDtype } from "./dtype.js";

/**
 * The location of a tensor's bytes: `length` bytes at `offset` of `file`. Programs reference weights in
 * place.
 */
export interface WeightLocation {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The bytes hold the transposed matrix; `shape` is that of the matrix itself. */
  readonly transposed?: boolean;
  /** For 8-bit numbers: the location of their scale, one number for all or one per row. */
  readonly scale?: WeightLocation;
}
