// Writes checkpoints in the background, and only proven ones.
import { type Checkpoint, saveCheckpoint } from "./checkpoint.js";

/**
 * Holds a checkpoint until the next step gives a finite loss, so that a run that diverges leaves the last
 * good state. Writes one at a time while further steps are computed.
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
   * @param computedIn workers and threads that compute the states
   * @param saved step of the folder's checkpoint, if any
   */
  constructor(folder: string, fingerprint: string, computedIn: string, saved: number | undefined) {
    this.#folder = folder;
    this.#computedIn = computedIn;
    this.#fingerprint = fingerprint;
    this.#saved = saved;
  }

  /** Step of the checkpoint on disk. */
  get saved(): number | undefined {
    return this.#saved;
  }

  hold(checkpoint: Checkpoint): void {
    this.#held = checkpoint;
  }

  /**
   * Starts writing the held checkpoint. Call after every good step.
   * @throws NishikiError "file" if the previous write failed
   */
  async prove(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const checkpoint = this.#held;
    if (!checkpoint) return;
    this.#held = undefined;
    await this.#writing; // if writing is slower than the steps between two checkpoints, the steps wait
    if (this.#failure !== undefined) throw this.#failure;
    this.#writing = this.#write(checkpoint).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Writes a last checkpoint, instead of the held one. */
  async finish(checkpoint: Checkpoint): Promise<void> {
    this.hold(checkpoint);
    await this.prove();
    await this.settle();
  }

  /** Waits for the current write. Throws like `prove`. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    await saveCheckpoint(this.#folder, { ...checkpoint, computedIn: this.#computedIn }, this.#fingerprint);
    this.#saved = checkpoint.step;
  }
}
