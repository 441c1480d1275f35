// How the embedded model was trained, in numbers: the sums of the table in weights/README.md.

export interface TrainingFacts {
  /** Images that its denoiser saw in training, of which some came more than once. */
  readonly images: number;
  /** Multiplications of all of its training. */
  readonly multiplications: number;
  readonly hours: number;
}

export const embeddedTraining: TrainingFacts = { images: 2_277_504, multiplications: 1.2465e15, hours: 15.6 };
