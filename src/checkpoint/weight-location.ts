// Where weights lie on disk.
import type { StoredDtype } from "./dtype.js";

/** Where a tensor's bytes lie: `length` bytes at `offset` of `file`. A program's weights refer to them in place. */
export interface WeightLocation {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The bytes are those of the transposed matrix; `shape` is the matrix's own. */
  readonly transposed?: boolean;
  /** Of 8-bit numbers: where what they are multiplied with lies, one number for all or one for each row. */
  readonly scale?: WeightLocation;
}
