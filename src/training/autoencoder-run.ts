// Trains the autoencoder on images. Sample sheets show originals above their reconstructions.

import { join } from "node:path";
import { writeSafetensors } from "../checkpoint/node.js";
import type { CaptionedImage } from "../data/index.js";
import type { Engine, HostTensors, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { add, cast, clamp, mean, mul, type Program, round, square, sub, trace } from "../graph/index.js";
import { type Image, joinGrid } from "../image/index.js";
import { type AutoencoderConfig, decode, encode, pixelsFromBytes } from "../models/index.js";
import { tensorsOf } from "./checkpoint.js";
import type { AutoencoderTrainingConfig } from "./config.js";
import { openAutoencoder } from "./frozen.js";
import { ImageBatches, type ImageSource } from "./images.js";
import type { TrainingTask } from "./loop.js";
import { writeSheet } from "./sample-sheet.js";
import { readStart } from "./start-from.js";
import { autoencoderBatch, autoencoderObjective, autoencoderScopes } from "./tasks/autoencoder.js";

/**
 * File with encoder and decoder, written by runs that train the decoder alone.
 */
export const wholeAutoencoder = "autoencoder.safetensors";

/**
 * The task of an autoencoder's run.
 * @throws NishikiError "usage" if part is "decoder" and initFrom is missing, "file", "checkpoint"
 */
export async function makeAutoencoderTask(
  engine: Engine,
  { network, batchSize, loss, seed, samples, part, initFrom }: AutoencoderTrainingConfig,
  source: ImageSource,
): Promise<TrainingTask> {
  const { size } = source;
  const encoder = part === "decoder" ? await openEncoder(initFrom) : undefined;
  const batches = new ImageBatches((from) => source.stream(seed, from), batchSize);
  return {
    objective: (batch) => autoencoderObjective(network, batch, size, loss, part),
    ...(encoder && { frozen: encoder.places }),
    batch: async (step) => {
      const images = await batches.get(step);
      return autoencoderBatch(
        images.map(({ pixels }) => pixels),
        network,
        size,
        { seed, step },
      );
    },
    sample: async (averages, step, folder) => {
      const whole = { ...averages, ...encoder?.values };
      if (encoder) await writeSafetensors(join(folder, wholeAutoencoder), tensorsOf(whole));
      const originals = await source.samples(samples);
      const { images, psnr } = await reconstruct(engine, network, whole, originals, size);
      const sheet = [...originals.map(({ pixels }) => image(pixels, size)), ...images];
      await writeSheet(folder, step, joinGrid(sheet, { columns: originals.length, spacing: 4 }));
      return { psnr };
    },
    close: () => batches.close(),
  };
}

interface Encoder {
  readonly places: WeightPlaces;
  readonly values: HostTensors;
}

const isEncoderWeight = ([name]: readonly [string, unknown]) => name.startsWith("encoder.");

async function openEncoder(initFrom: string | undefined): Promise<Encoder> {
  if (initFrom === undefined)
    throw new NishikiError(
      "usage",
      'part "decoder" needs initFrom, the autoencoder whose encoder stays frozen.',
    );
  const places = new Map([...(await openAutoencoder(initFrom))].filter(isEncoderWeight));
  return {
    places,
    values: Object.fromEntries(Object.entries(await readStart(initFrom)).filter(isEncoderWeight)),
  };
}

/**
 * Encodes and decodes pixels `[1, size, size, 3]`. Outputs: the decoded bytes, and the mean squared error.
 */
function reconstruction(config: AutoencoderConfig, size: number): Program {
  return trace((tracer) => {
    const { encoder, decoder } = autoencoderScopes(tracer.scope());
    const pixels = pixelsFromBytes(tracer.input("pixels", [1, size, size, 3], "u8"));
    const decoded = clamp(decode(decoder, encode(encoder, pixels, config), config), -1, 1);
    const bytes = cast(round(mul(add(decoded, 1), 127.5)), "u8");
    return { bytes, squared: mean(square(sub(decoded, pixels))) };
  });
}

/** @returns reconstructions, and their mean PSNR in dB */
async function reconstruct(
  engine: Engine,
  config: AutoencoderConfig,
  averages: HostTensors,
  originals: readonly CaptionedImage[],
  size: number,
): Promise<{ images: Image[]; psnr: number }> {
  const session = await engine.load(reconstruction(config, size));
  try {
    const images: Image[] = [];
    let psnr = 0;
    for (const { pixels } of originals) {
      const input = { dtype: "u8" as const, shape: [1, size, size, 3], data: pixels };
      const { bytes, squared } = await session.run({ pixels: input, ...averages });
      images.push(image(bytes!.data as Uint8Array, size));
      // Pixels span 2, from −1 to 1.
      psnr += (10 * Math.log10(4 / Math.max(1e-10, Number(squared!.data[0])))) / originals.length;
    }
    return { images, psnr };
  } finally {
    await session.close();
  }
}

function image(data: Uint8Array, size: number): Image {
  return { width: size, height: size, channels: 3, data };
}
