// Trains the autoencoder on images. Sample sheets show originals above their reconstructions.

import { join } from "node:path";
import { digestWeights, makeFolder, openWeights, writeSafetensors } from "../checkpoint/node.js";
import type { CaptionedImage } from "../data/index.js";
import type { Engine, HostTensors, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { add, cast, clamp, mean, mul, type Program, round, square, sub, trace } from "../graph/index.js";
import { type Image, joinGrid } from "../image/index.js";
import { type AutoencoderConfig, decode, encode, pixelsFromBytes } from "../models/index.js";
import { tensorsOf } from "./checkpoint.js";
import { openClassifierFile, packagedClassifier } from "./classifier-file.js";
import type { AutoencoderTrainingConfig } from "./config.js";
import { DenoisedLatents } from "./denoised-latents.js";
import { copyModel } from "./fast-export.js";
import type { Settings } from "./fingerprint.js";
import { openAutoencoder } from "./frozen.js";
import { ImageBatches, type ImageSource } from "./images.js";
import type { TrainingTask } from "./loop.js";
import { replaceAutoencoder } from "./model-export.js";
import { writeSheet } from "./sample-sheet.js";
import { readStart } from "./start-from.js";
import {
  autoencoderBatch,
  autoencoderObjective,
  autoencoderScopes,
  classifierScope,
  discriminatorScope,
} from "./tasks/autoencoder.js";

/**
 * File with encoder and decoder, written by runs that train the decoder alone.
 */
export const wholeAutoencoder = "autoencoder.safetensors";

/**
 * The task of an autoencoder's run, with the settings of its fingerprint.
 * @throws NishikiError "usage" if part is "decoder" and initFrom is missing, or denoised latents are asked of a
 * run that changes the latents; "file", "checkpoint"
 */
export async function makeAutoencoderTask(
  engine: Engine,
  config: AutoencoderTrainingConfig,
  source: ImageSource,
): Promise<{ task: TrainingTask; settings: Settings }> {
  const { network, batchSize, loss, seed, part, initFrom, adversarial } = config;
  const { size } = source;
  if (config.denoised && part !== "decoder")
    throw new NishikiError(
      "usage",
      'denoised: expected part to be "decoder", because the latents must stay.',
    );
  const encoder = part === "decoder" ? await openEncoder(initFrom) : undefined;
  const perceptual = config.perceptual && (await openPerceptual(config.perceptual));
  const denoised = config.denoised && (await DenoisedLatents.open(engine, config.denoised, size));
  const frozen = perceptual
    ? await gatherFrozen(config.folder, [encoder?.values ?? {}, perceptual.values])
    : encoder?.places;
  const batches = new ImageBatches((from) => source.stream(seed, from), batchSize);
  const training = {
    part,
    perceptual: perceptual && { weight: perceptual.weight, network: perceptual.network },
    adversarial: adversarial && { ...adversarial, network: adversarial.discriminator },
    denoised: denoised !== undefined,
  };
  const task: TrainingTask = {
    objective: (batch) => autoencoderObjective(network, batch, size, loss, training),
    ...(frozen && { frozen }),
    ...(adversarial && {
      optimizerGroups: [{ scope: discriminatorScope, ...adversarial.optimizer }],
    }),
    batch: async (step) => {
      const images = await batches.get(step);
      const pixels = images.map((image) => image.pixels);
      const more = {
        ...(denoised && { denoised: await denoised.make(images, { seed, step }) }),
        adversarial: adversarial !== undefined,
      };
      return autoencoderBatch(pixels, network, size, { seed, step }, more);
    },
    sample: (averages, step, folder) =>
      writeSamples(
        { engine, config, source, folder },
        { ...autoencoderOf(averages), ...encoder?.values },
        step,
      ),
    close: async () => {
      await batches.close();
      await denoised?.close();
    },
  };
  const settings = {
    loss,
    ...(part === "decoder" && { part }),
    ...(perceptual && { perceptual: { weight: perceptual.weight, classifier: perceptual.sha256 } }),
    ...(adversarial && { adversarial }),
    ...(denoised && { denoised: denoised.settings }),
    ...(encoder && { frozen: { encoder: await digestWeights(encoder.places) } }),
  };
  return { task, settings };
}

/** The autoencoder's tensors among those of a run, which may train a discriminator, too. */
const autoencoderOf = (tensors: HostTensors): HostTensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith(`${discriminatorScope}.`)));

interface SampleContext {
  readonly engine: Engine;
  readonly config: AutoencoderTrainingConfig;
  readonly source: ImageSource;
  readonly folder: string;
}

/** Writes a sheet of reconstructions, and, for a decoder's run, the whole autoencoder and the model with it. */
async function writeSamples(
  { engine, config, source, folder }: SampleContext,
  whole: HostTensors,
  step: number,
): Promise<Readonly<Record<string, number>>> {
  const { network, part, samples, denoised } = config;
  if (part === "decoder") {
    const path = join(folder, wholeAutoencoder);
    await writeSafetensors(path, tensorsOf(whole));
    if (denoised) {
      const model = join(folder, "model");
      await copyModel(denoised.model, model);
      await replaceAutoencoder(path, network, model);
    }
  }
  const originals = await source.samples(samples);
  const { images, psnr } = await reconstruct(engine, network, whole, originals, source.size);
  const sheet = [...originals.map(({ pixels }) => image(pixels, source.size)), ...images];
  await writeSheet(folder, step, joinGrid(sheet, { columns: originals.length, spacing: 4 }));
  return { psnr };
}

/** The frozen classifier of a perceptual loss: its weights under the names of a step's program. */
async function openPerceptual({
  weight,
  classifier = packagedClassifier,
}: NonNullable<AutoencoderTrainingConfig["perceptual"]>) {
  const { config: network, sha256, path } = await openClassifierFile(classifier);
  const weights = Object.entries(await readStart(path)).filter(([name]) => isMapWeight(name));
  const values = Object.fromEntries(weights.map(([name, tensor]) => [`${classifierScope}.${name}`, tensor]));
  return { weight, network, sha256, values };
}

/** Whether a weight belongs to the layers of `classifierMaps`. */
const isMapWeight = (name: string) => /^(stem|high|middle|shrink\.0)\./.test(name);

/** The weights of a program must lie in one folder, so those of several networks are copied into the run's. */
async function gatherFrozen(folder: string, parts: readonly HostTensors[]): Promise<WeightPlaces> {
  await makeFolder(folder);
  const path = join(folder, "frozen.safetensors");
  await writeSafetensors(path, tensorsOf(Object.assign({}, ...parts)));
  return openWeights(path);
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
