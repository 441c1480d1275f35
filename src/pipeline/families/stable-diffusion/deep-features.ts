// Deep features of the denoiser that change little from step to step, kept for some steps (DeepCache: Ma et al. 2023,
// arXiv:2312.00858).
import type { HostTensor } from "../../../engine/index.js";
import type { Side } from "../../family.js";

export class DeepFeatures {
  private readonly every: number;
  private kept: { readonly sides: string; readonly deep: HostTensor; uses: number } | undefined;

  /** @param every Of so many evaluations, one computes all. */
  constructor(every: number) {
    this.every = every;
  }

  /** What an evaluation for these sides may use; undefined where it is to compute all. */
  take(sides: readonly Side[]): HostTensor | undefined {
    const { kept } = this;
    if (kept?.sides !== sides.join() || kept.uses + 1 >= this.every) return undefined;
    kept.uses++;
    return kept.deep;
  }

  keep(sides: readonly Side[], deep: HostTensor): void {
    this.kept = { sides: sides.join(), deep, uses: 0 };
  }
}
