// Trains super-resolution on pairs of a large image and the small one that a first stage would give. Samples
// compare unseen images with Lanczos resampling.
import type { CaptionedImage } from "../data/index.js";
import type { Engine, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { trace } from "../graph/index.js";
import { type Image, joinGrid } from "../image/index.js";
import { decode, encode } from "../models/index.js";
import {
  doubleByDiffusion,
  enlargeByLanczos,
  fromBytes,
  halve,
  toBytes,
  traceSuperResolution,
} from "../pipeline/index.js";
import { random } from "../random/index.js";
import { withAverages } from "./averages-file.js";
import type { SuperResolutionTrainingConfig } from "./config.js";
import { openAutoencoder } from "./frozen.js";
import { ImageBatches, type ImageSource } from "./images.js";
import type { State } from "./initial-state.js";
import type { TrainingTask } from "./loop.js";
import { writeSheet } from "./sample-sheet.js";
import { addSuperResolution } from "./super-resolution-export.js";
import { autoencoderScopes } from "./tasks/autoencoder.js";
import {
  cut,
  type ImagePair,
  superResolutionBatch,
  superResolutionObjective,
} from "./tasks/super-resolution.js";

/** The task of a super-resolution run. */
export async function makeSuperResolutionTask(
  engine: Engine,
  config: SuperResolutionTrainingConfig,
  source: ImageSource,
): Promise<TrainingTask> {
  checkSizes(config, source);
  const { network, batchSize, cropsPerImage, crop, seed, autoencoderRoundTrips, samples } = config;
  const perStep = Math.ceil(batchSize / cropsPerImage);
  const batches = new ImageBatches((from) => source.stream(seed, from), perStep);
  const roundTrip = await openRoundTrip(engine, config, source.size / 2);
  const pair = async ({ pixels }: CaptionedImage, through: boolean): Promise<ImagePair> => {
    const large = fromBytes(pixels);
    const small = halve(large, source.size, source.size);
    return { large, small: through && roundTrip ? await runRoundTrip(roundTrip, small) : small };
  };
  return {
    objective: (batch) => superResolutionObjective(network, batch, crop),
    batch: async (step) => {
      const numbers = random(seed, "round trips", step);
      const pairs: ImagePair[] = [];
      for (const image of await batches.get(step))
        pairs.push(await pair(image, numbers.uniform() < autoencoderRoundTrips));
      return superResolutionBatch(pairs, network, config, { batchSize, seed, step });
    },
    sample: async (averages, step, folder) => {
      const pairs: ImagePair[] = [];
      for (const image of await source.samples(samples)) pairs.push(await pair(image, true));
      const { sheet, measured } = await compare(engine, config, averages, pairs);
      await writeSheet(folder, step, joinGrid(sheet, { columns: 3, spacing: 4 }));
      const { model, sampling } = config;
      if (model !== undefined)
        await withAverages(folder, averages, (run) => addSuperResolution({ run, network, sampling, model }));
      return measured;
    },
    close: async () => {
      await batches.close();
      await roundTrip?.close();
    },
  };
}

/** @throws NishikiError "usage" if images do not fit the network, the crops or the autoencoder */
function checkSizes(
  { network, crop, autoencoder }: SuperResolutionTrainingConfig,
  { size }: ImageSource,
): void {
  const refuse = (message: string): never => {
    throw new NishikiError("usage", message);
  };
  if (network.fold % 2 !== 0) refuse(`network.fold: expected an even number, got ${network.fold}.`);
  if (crop % network.fold !== 0 || crop > size)
    refuse(`crop: expected a multiple of ${network.fold} up to ${size}, the images' side, got ${crop}.`);
  const step = autoencoder ? autoencoder.network.fold * 4 : network.fold;
  if (size % step !== 0) refuse(`data: expected images whose side is a multiple of ${step}, got ${size}.`);
}

/** Loads the autoencoder that small images pass through, as a first stage's do. */
async function openRoundTrip(
  engine: Engine,
  { autoencoder }: SuperResolutionTrainingConfig,
  size: number,
): Promise<Session | undefined> {
  if (!autoencoder) return undefined;
  const program = trace((tracer) => {
    const { encoder, decoder } = autoencoderScopes(tracer.scope());
    const pixels = tracer.input("pixels", [1, size, size, 3]);
    return { decoded: decode(decoder, encode(encoder, pixels, autoencoder.network), autoencoder.network) };
  });
  return engine.load(program, { weights: await openAutoencoder(autoencoder.weights) });
}

async function runRoundTrip(session: Session, small: Float32Array): Promise<Float32Array> {
  const size = Math.sqrt(small.length / 3);
  const input = { dtype: "f32" as const, shape: [1, size, size, 3], data: small };
  const { decoded } = await session.run({ pixels: input });
  // A first stage's images are rounded to bytes.
  return fromBytes(toBytes(decoded!.data as Float32Array));
}

interface Compared {
  /** Rows of three: Lanczos, the network, the original. */
  readonly sheet: Image[];
  readonly measured: Readonly<Record<string, number>>;
}

async function compare(
  engine: Engine,
  { network, sampling }: SuperResolutionTrainingConfig,
  averages: State,
  pairs: readonly ImagePair[],
): Promise<Compared> {
  const size = Math.sqrt(pairs[0]!.large.length / 3);
  const session = await engine.load(traceSuperResolution(network, size, size));
  const run: Session["run"] = (inputs) => session.run({ ...inputs, ...averages });
  const open = async () => ({ ...session, run });
  const sheet: Image[] = [];
  const measured = { psnr: 0, lanczosPsnr: 0, sharpness: 0, lanczosSharpness: 0 };
  try {
    for (const [seed, { large, small }] of pairs.entries()) {
      const image = { width: size / 2, height: size / 2, data: small };
      const whole = { config: network, ...sampling, open, tile: size };
      const { data } = await doubleByDiffusion(image, whole, { seed, stage: 0 });
      const plain = enlargeByLanczos(small, size / 2, size / 2, 2).map((v) => Math.min(1, Math.max(-1, v)));
      measured.psnr += psnr(data, large) / pairs.length;
      measured.lanczosPsnr += psnr(plain, large) / pairs.length;
      measured.sharpness += gradient(data, size) / gradient(large, size) / pairs.length;
      measured.lanczosSharpness += gradient(plain, size) / gradient(large, size) / pairs.length;
      for (const values of [plain, data, large]) sheet.push(middle(values, size));
    }
  } finally {
    await session.close();
  }
  return { sheet, measured };
}

/** Decibels; pixels span 2, from −1 to 1. */
export function psnr(a: Float32Array, b: Float32Array): number {
  let squared = 0;
  for (let i = 0; i < a.length; i++) squared += (a[i]! - b[i]!) ** 2 / a.length;
  return 10 * Math.log10(4 / Math.max(1e-10, squared));
}

/**
 * Mean squared difference between horizontal and vertical neighbours, which blurring reduces.
 */
export function gradient(values: Float32Array, side: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    if (x + 1 < side) sum += (values[i + 3]! - values[i]!) ** 2;
    if (y + 1 < side) sum += (values[i + side * 3]! - values[i]!) ** 2;
  }
  return Math.max(1e-12, sum / values.length);
}

/** Centre crop of at most 256×256 pixels. */
function middle(values: Float32Array, side: number): Image {
  const size = Math.min(256, side);
  const start = Math.floor((side - size) / 2);
  const part = new Float32Array(size * size * 3);
  cut(values, side, start, start, size, part);
  return { width: size, height: size, channels: 3, data: toBytes(part) };
}
