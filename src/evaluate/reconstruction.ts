// Measures how much of an image the autoencoder keeps, the upper bound for any generator in its latent space.
import { join } from "node:path";
import type { Scene } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { embeddedModel, readModelFolder } from "../pipeline/node.js";
import { openRoundTrip, type RoundTrip, readAutoencoderConfig } from "../training/index.js";
import { psnr } from "./image-measures.js";
import { mean } from "./statistics.js";

export interface Reconstruction {
  readonly scenes: number;
  /** Mean PSNR in dB over scenes, on the scale of bytes. */
  readonly psnr: number;
  readonly byStyle: Readonly<Record<string, number>>;
}

/** Loads a model's autoencoder to encode and decode images. @throws NishikiError "file", "checkpoint" */
export async function openModelRoundTrip(engine: Engine, model: string = embeddedModel): Promise<RoundTrip> {
  const manifest = await readModelFolder(model);
  const { parts, pictureSize } = manifest;
  const network = readAutoencoderConfig(manifest, model);
  return openRoundTrip(engine, { weights: join(model, parts.autoencoder.file), network }, pictureSize);
}

/** @param model a folder with a `model.json` */
export async function measureReconstruction(
  engine: Engine,
  model: string = embeddedModel,
  scenes: Iterable<Scene>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Reconstruction> {
  const trip = await openModelRoundTrip(engine, model);
  const byStyle = new Map<string, number[]>();
  try {
    for (const { pixels, content } of scenes) {
      if (signal?.aborted) throw new NishikiError("aborted", "Stopped while measuring the autoencoder.");
      const decoded = await trip.run(pixels, { std: 0, seed: 0, index: 0 });
      byStyle.set(content.style, [...(byStyle.get(content.style) ?? []), psnr(pixels, decoded)]);
    }
  } finally {
    await trip.close();
  }
  const all = [...byStyle.values()].flat();
  const styles = [...byStyle].map(([style, values]) => [style, mean(values)] as const);
  return { scenes: all.length, psnr: mean(all), byStyle: Object.fromEntries(styles) };
}
