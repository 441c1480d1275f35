/** Which batch is meant: all random numbers of a batch depend on these two alone. */
export interface BatchNumber {
  /** The run's seed. */
  readonly seed: number;
  /** Counted from 0. */
  readonly step: number;
}

/** The same for batches whose size does not follow from what they are made of. */
export interface SizedBatch extends BatchNumber {
  readonly batchSize: number;
}
