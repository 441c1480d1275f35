// Measures how much of an image image-to-image keeps: runs it on composed scenes with their true captions. A
// network that knows how such images look restores them; one that only knows the words smears them.
import type { Scene } from "../data/index.js";
import { NishikiError } from "../errors.js";
import type { ImageRequest, LoadOptions } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import { psnr } from "./image-measures.js";
import { mean } from "./statistics.js";

/** Image-to-image strengths, 0 to 1. */
export const fidelityStrengths = [0.1, 0.3, 0.5] as const;

export interface Fidelity {
  readonly scenes: number;
  /** Mean PSNR in dB to the composed scene, by strength. */
  readonly psnr: Readonly<Record<string, number>>;
}

export interface FidelityOptions {
  readonly machine: LoadOptions;
  readonly request: Partial<ImageRequest>;
  readonly size: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** @throws NishikiError what drawing throws, "aborted" */
export async function measureFidelity(
  scenes: readonly Scene[],
  { machine, request, size, signal, onProgress }: FidelityOptions,
): Promise<Fidelity> {
  const pipeline = await loadPipeline(machine);
  try {
    // A lower strength leaves less than one step.
    const { steps } = pipeline.complete({ ...request, prompt: "a cat" });
    const strengths = fidelityStrengths.filter((strength) => strength * steps >= 1);
    const psnrs = new Map<number, number[]>(strengths.map((strength) => [strength, []]));
    for (const [seed, { caption: prompt, pixels: data }] of scenes.entries()) {
      const image = { width: size, height: size, channels: 3 as const, data };
      for (const strength of strengths) {
        if (signal?.aborted) throw new NishikiError("aborted", "Stopped while measuring image-to-image.");
        const settings = { ...request, prompt, seed, init: { image, strength } };
        for await (const event of pipeline.generate(settings, signal ? { signal } : {}))
          if (event.kind === "image") psnrs.get(strength)!.push(psnr(data, event.pixels));
      }
      onProgress?.(seed + 1, scenes.length);
    }
    const means = [...psnrs].map(([strength, values]) => [strength, Number(mean(values).toFixed(2))]);
    return { scenes: scenes.length, psnr: Object.fromEntries(means) };
  } finally {
    await pipeline.dispose();
  }
}
