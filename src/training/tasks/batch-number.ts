/** Identifies a batch: its random numbers depend on the seed and the step alone. */
export interface BatchNumber {
  /** The run's seed. */
  readonly seed: number;
  /** Counted from 0. */
  readonly step: number;
}

/** The same, with the batch size. */
export interface SizedBatch extends BatchNumber {
  readonly batchSize: number;
}
