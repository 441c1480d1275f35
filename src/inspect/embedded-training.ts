// How the embedded model was trained, in numbers: the sums of the table in weights/README.md.

export interface TrainingFacts {
  /** Images that its denoiser saw in training, of which some came more than once. */
  readonly images: number;
  /** Multiplications of all of its training. */
  readonly multiplications: number;
  readonly hours: number;
}

export const embeddedTraining: TrainingFacts = { images: 3_503_104, multiplications: 2.9465e15, hours: 20 };
