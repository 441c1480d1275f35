// Writes checkpoints while the steps after them are computed, and only those that proved good.
import { type Checkpoint, saveCheckpoint } from "./checkpoint.js";

/**
 * Holds a checkpoint until the step after it gave a finite loss: a run that fell apart leaves the last state
 * from which it did not. Writes one at a time, beside the steps.
 */
export class CheckpointKeeper {
  readonly #folder: string;
  readonly #fingerprint: string;
  readonly #computedIn: string;
  #held: Checkpoint | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #saved: number | undefined;

  /**
   * @param computedIn Workers and threads that compute the states.
   * @param saved The step that the folder's checkpoint is from, if it has one.
   */
  constructor(folder: string, fingerprint: string, computedIn: string, saved: number | undefined) {
    this.#folder = folder;
    this.#computedIn = computedIn;
    this.#fingerprint = fingerprint;
    this.#saved = saved;
  }

  /** The step of the checkpoint that lies on the disk. */
  get saved(): number | undefined {
    return this.#saved;
  }

  hold(checkpoint: Checkpoint): void {
    this.#held = checkpoint;
  }

  /**
   * A step after the held checkpoint was good: begins to write it. Call at every step.
   * @throws NishikiError "file" where the write before this one failed.
   */
  async prove(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const checkpoint = this.#held;
    if (!checkpoint) return;
    this.#held = undefined;
    await this.#writing; // slower than the steps between two checkpoints: then they wait
    if (this.#failure !== undefined) throw this.#failure;
    this.#writing = this.#write(checkpoint).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Writes a last checkpoint, in the place of one that is held. */
  async finish(checkpoint: Checkpoint): Promise<void> {
    this.hold(checkpoint);
    await this.prove();
    await this.settle();
  }

  /** Waits until nothing is being written. Throws like `prove`. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    await saveCheckpoint(this.#folder, { ...checkpoint, computedIn: this.#computedIn }, this.#fingerprint);
    this.#saved = checkpoint.step;
  }
}
