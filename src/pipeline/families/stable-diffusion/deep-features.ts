// Deep features of the denoiser that change little from step to step, kept for some steps (DeepCache: Ma et al. 2023,
// arXiv:2312.00858).
import type { HostTensor } from "../../../engine/index.js";

export class DeepFeatures {
  readonly #every: number;
  #kept: { readonly conditions: string; readonly deep: HostTensor; uses: number } | undefined;

  /** @param every Of so many evaluations, one computes all. */
  constructor(every: number) {
    this.#every = every;
  }

  /** What an evaluation for these conditions may use; undefined where it is to compute all. */
  take(conditions: readonly string[]): HostTensor | undefined {
    const kept = this.#kept;
    if (kept?.conditions !== conditions.join() || kept.uses + 1 >= this.#every) return undefined;
    kept.uses++;
    return kept.deep;
  }

  keep(conditions: readonly string[], deep: HostTensor): void {
    this.#kept = { conditions: conditions.join(), deep, uses: 0 };
  }
}
