// PyTorch's generator for NVIDIA GPUs, so that a seed gives the same noise as in PyTorch programs:
// Philox4x32-10 with one subsequence per number, which uses the first half of a Box–Muller pair
// (curand_normal4 in ATen/native/cuda/DistributionTemplates.h).
//
// The assignment of numbers to subsequences depends on how many threads the GPU runs at once. For 512×512
// images, that is at least one per number on every card since 2016; for 1024×1024, on cards with 43 or more
// multiprocessors. For more numbers, cards differ; this follows those that are large enough. The GPU's fast
// sine has different last bits: numbers agree to about 1e-6.
import { NishikiError } from "../errors.js";
import { fused } from "./cephes-float32.js";
import { philox4x32 } from "./philox.js";
import { splitInteger } from "./stream-key.js";
import type { NormalSource } from "./torch-cpu.js";

// curand's constants are float32.
const unit = Math.fround(2.3283064e-10);
const turn = Math.fround(Math.fround(2.3283064e-10) * Math.fround(6.2831855));

class TorchCuda implements NormalSource {
  readonly #key: readonly [number, number];
  #draws = 0;

  constructor(key: readonly [number, number]) {
    this.#key = key;
  }

  normals(count: number): Float32Array {
    const out = new Float32Array(count);
    const words = new Int32Array(4);
    for (let i = 0; i < count; i++) {
      philox4x32(this.#draws, 0, i, 0, this.#key, words, 0);
      const u = fused(Math.fround(words[0]! >>> 0), unit, unit / 2);
      const v = fused(Math.fround(words[1]! >>> 0), turn, turn / 2);
      out[i] = Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
    }
    this.#draws += 1;
    return out;
  }
}

/**
 * `torch.Generator("cuda").manual_seed(seed)`.
 * @param seed A whole number from 0 to 2^53 − 1.
 */
export function makeTorchCuda(seed: number): NormalSource {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new NishikiError("usage", `A seed must be a whole number from 0 to 2^53 - 1, but got ${seed}.`);
  return new TorchCuda(splitInteger(seed, "A seed"));
}
