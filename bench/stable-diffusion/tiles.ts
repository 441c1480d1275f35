// What tiles cost an image: an autoencoder's decoding and encoding in tiles beside those of the whole image.
//
//   npx tsc -p tsconfig.bench.json
//   node out/bench/bench/stable-diffusion/tiles.js PICTURE --vae MODEL/vae [--tile 64 --overlap 7]
//   node out/bench/bench/stable-diffusion/tiles.js PICTURE --tiny taef2 --encoder FILE --decoder FILE
//
// The seam is the mean step of the difference across the worst border between tiles; 1/255 is a step of an
// 8-bit image.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { openSafetensors, openWeights } from "../../src/checkpoint/node.js";
import type { HostTensor, WeightPlaces } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { type Program, trace } from "../../src/graph/index.js";
import {
  decodeKl,
  decodeTiny,
  encodeKl,
  encodeTiny,
  readAutoencoderKlConfig,
  tinyAutoencoderConfigs,
  tinyParameterName,
} from "../../src/models/index.js";
import {
  decodeInTiles,
  encodeInTiles,
  type TiledNetwork,
  type Tiling,
  traceKlDecoder,
  traceKlEncoder,
  traceTinyDecoder,
  traceTinyEncoder,
} from "../../src/pipeline/index.js";
import { planSpans } from "../../src/pipeline/tiles.js";

/**
 * An autoencoder as whole programs and as what runs in tiles. `latents` is the encoder's output that is
 * compared.
 */
interface Autoencoder {
  readonly encoder: Program;
  readonly decoder: Program;
  readonly tiledEncoder: TiledNetwork;
  readonly tiledDecoder: TiledNetwork;
  readonly latents: "mean" | "latents";
  readonly weights: (program: Program) => WeightPlaces;
}

async function openKl(folder: string): Promise<Autoencoder> {
  const config = readAutoencoderKlConfig(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
  const weights = await openWeights(folder);
  return {
    encoder: trace((t) => ({
      mean: encodeKl(t.scope(), config, t.input("pixels", [1, 3, "height", "width"])).mean,
    })),
    decoder: trace((t) => ({
      pixels: decodeKl(t.scope(), config, t.input("latents", [1, config.latentChannels, "height", "width"])),
    })),
    tiledEncoder: traceKlEncoder(config),
    tiledDecoder: traceKlDecoder(config),
    latents: "mean",
    weights: () => weights,
  };
}

async function openTiny(
  name: keyof typeof tinyAutoencoderConfigs,
  paths: Readonly<Record<"encoder" | "decoder", string>>,
): Promise<Autoencoder> {
  const config = tinyAutoencoderConfigs[name];
  const files = {
    encoder: await openSafetensors(paths.encoder),
    decoder: await openSafetensors(paths.decoder),
  };
  const weights = ({ parameters }: Program): WeightPlaces =>
    new Map(
      parameters.map((parameter) => {
        const published = tinyParameterName(parameter.name);
        const file = files[published.part];
        return [parameter.name, { ...file.tensors.get(published.name)!, file: file.path }];
      }),
    );
  return {
    encoder: trace((t) => ({
      latents: encodeTiny(t.scope(), config, t.input("pixels", [1, 3, "height", "width"])),
    })),
    decoder: trace((t) => ({
      pixels: decodeTiny(
        t.scope(),
        config,
        t.input("latents", [1, config.latentChannels, "height", "width"]),
      ),
    })),
    tiledEncoder: traceTinyEncoder(config),
    tiledDecoder: traceTinyDecoder(config),
    latents: "latents",
    weights,
  };
}

/** Pixels [1, 3, height, width] in [-1, 1]. */
async function readImage(path: string): Promise<HostTensor> {
  const { data, info } = await sharp(path)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const values = new Float32Array(3 * height * width);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[(i % (height * width)) * 3 + Math.floor(i / (height * width))]! / 127.5 - 1;
  }
  return { dtype: "f32", shape: [1, 3, height, width], data: values };
}

/**
 * How two results differ: signal to noise with the range of the whole one's values, and the worst seam in
 * parts of it.
 */
function compare(tiled: HostTensor, whole: HostTensor, tiling: Tiling, unit: number): string {
  const [, channels, height, width] = whole.shape as [number, number, number, number];
  const expected = whole.data as Float32Array;
  const difference = (tiled.data as Float32Array).map((value, i) => value - expected[i]!);
  const range = expected.reduce((a, b) => Math.max(a, b)) - expected.reduce((a, b) => Math.min(a, b));
  const square = difference.reduce((sum, value) => sum + value * value, 0) / difference.length;
  const seams = planSpans(Math.floor(height / unit), tiling)
    .slice(1)
    .map(({ start }) => {
      let step = 0;
      for (let channel = 0; channel < channels; channel++) {
        const at = (channel * height + start * unit) * width;
        for (let x = at; x < at + width; x++) step += Math.abs(difference[x]! - difference[x - width]!);
      }
      return step / channels / width;
    });
  const worst = (Math.max(0, ...seams) / range) * 255;
  return `${(10 * Math.log10(range ** 2 / square)).toFixed(1)} dB, worst seam ${worst.toFixed(3)}/255`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    vae: { type: "string" },
    tiny: { type: "string" },
    encoder: { type: "string" },
    decoder: { type: "string" },
    tile: { type: "string", default: "64" },
    overlap: { type: "string", multiple: true },
  },
});
const { vae, tiny, encoder = "", decoder = "" } = values;
const name = tiny as keyof typeof tinyAutoencoderConfigs;
const model = vae ? await openKl(vae) : await openTiny(name, { encoder, decoder });
const engine = makeEngine();
const open = (program: Program) => engine.load(program, { weights: model.weights(program) });
const run = async (program: Program, inputs: Readonly<Record<string, HostTensor>>) => {
  const session = await open(program);
  const results = await session.run(inputs);
  await session.close();
  return results;
};

const image = await readImage(positionals[0]!);
const latents = (await run(model.encoder, { pixels: image }))[model.latents]!;
const { pixels } = await run(model.decoder, { latents });
const overlaps = values.overlap ?? [String(Math.ceil(model.tiledDecoder.reach))];
for (const overlap of overlaps) {
  const tiling = { tileSize: Number(values.tile), overlap: Number(overlap) };
  const decoded = await decodeInTiles(model.tiledDecoder, latents, { open, tiling });
  const encoded = await encodeInTiles(model.tiledEncoder, image, { open, tiling });
  const { scale } = model.tiledDecoder;
  const results = {
    decoding: compare(decoded, pixels!, tiling, scale),
    encoding: compare(encoded[model.latents]!, latents, tiling, 1),
  };
  console.log(`tiles of ${tiling.tileSize} latents, overlap ${overlap}:`, results);
}
await engine.close();
