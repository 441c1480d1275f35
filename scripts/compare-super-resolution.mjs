// Compares a model's super-resolution from 256 to 512 pixels with Lanczos resampling, on unseen composed
// scenes.
//
//     npm run build && node scripts/compare-super-resolution.mjs [MODEL_FOLDER] [--scenes 64] [--steps 1,2,4]
//         [--augmentation 0,0.03] [--sheet OUT.png]
//
// Needs large sprites: npm start -- data build --sets 3d,flat,silhouette --size 384 --output
// .data/sprites-large. Draws each scene at 512 pixels, halves it, passes it through the model's autoencoder,
// as generated images do, and doubles it. Measures against the drawing: PSNR; sharpness (mean squared
// difference of neighbours, relative to the drawing's); and, for the classifier's features of quarters of 256
// pixels, the mean distance to the drawing's quarter and the Fréchet distance over all quarters.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openWeights } from "../dist/checkpoint/node.js";
import { composeScene } from "../dist/data/compose-scene.js";
import { loadSprites, SceneDrawer, sceneMix, vocabulary } from "../dist/data/index.js";
import { makeEngine } from "../dist/engine/node.js";
import { openClassifier } from "../dist/evaluate/classifier.js";
import { distance, frechetDistance, mean } from "../dist/evaluate/statistics.js";
import { encodePng, joinGrid } from "../dist/image/index.js";
import { readSuperResolution } from "../dist/pipeline/families/nishiki/programs.js";
import {
  doubleByDiffusion,
  enlargeByLanczos,
  fromBytes,
  halve,
  toBytes,
  traceSuperResolution,
} from "../dist/pipeline/index.js";
import { embeddedModel, readModelFolder } from "../dist/pipeline/node.js";
import { openRoundTrip } from "../dist/training/index.js";
import { gradient, psnr } from "../dist/training/super-resolution-run.js";
import { cut } from "../dist/training/tasks/super-resolution.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenes: { type: "string", default: "64" },
    steps: { type: "string" },
    augmentation: { type: "string" },
    sprites: { type: "string", default: ".data/sprites-large" },
    sheet: { type: "string" },
  },
});
const [folder = embeddedModel] = positionals;
const [size, half] = [512, 256];
const { parts } = await readModelFolder(folder);
const part = parts.superResolution;
if (!part) throw new Error(`${folder} has no part superResolution.`);
const numbersOf = (list, own) => (list === undefined ? [own] : list.split(",").map(Number));
const ways = numbersOf(values.steps, part.steps).flatMap((steps) =>
  numbersOf(values.augmentation, part.augmentation).map((augmentation) => ({ steps, augmentation })),
);

const engine = makeEngine({ device: "cpu" });
const network = parts.autoencoder.config;
const trip = await openRoundTrip(engine, { weights: join(folder, parts.autoencoder.file), network }, half);
const config = readSuperResolution(part);
const weights = await openWeights(join(folder, part.file));
const session = await engine.load(traceSuperResolution(config, size, size), { weights });
const classifier = await openClassifier(engine);
const sprites = await loadSprites(values.sprites, ["3d", "flat", "silhouette"]);
const styles = ["3d", "flat", "silhouette", "woodblock", "cubist", "watercolour", "pixel art", "pencil"];
const mix = sceneMix({
  things: vocabulary.map(({ name }) => name),
  styles: Object.fromEntries(styles.map((name) => [name, 1])),
  twoThings: 0.2,
  counts: 0.15,
});
const drawer = new SceneDrawer(sprites, size);

/** The classifier's features of the four quarters of an image in [-1, 1]. */
async function featuresOf(image) {
  const quarters = [0, half].flatMap((y) =>
    [0, half].map((x) => {
      const quarter = new Float32Array(half * half * 3);
      cut(image, size, y, x, half, quarter);
      return toBytes(quarter);
    }),
  );
  return (await classifier.classify(quarters)).map(({ features }) => features);
}

const drawings = [];
const results = new Map();
const rows = [];
for (let i = 0; i < Number(values.scenes); i++) {
  const large = fromBytes(composeScene(2 ** 52 + 77, i, drawer, mix).pixels);
  const bytes = toBytes(halve(large, size, size));
  const small = fromBytes(await trip.run(bytes, { std: 0, seed: 0, index: i }));
  const real = await featuresOf(large);
  drawings.push(...real);
  const measure = async (name, data) => {
    const entry = results.get(name) ?? { psnr: [], sharpness: [], far: [], features: [], seconds: [] };
    const features = await featuresOf(data);
    entry.psnr.push(psnr(data, large));
    entry.sharpness.push(gradient(data, size) / gradient(large, size));
    entry.far.push(...features.map((row, quarter) => distance(row, real[quarter])));
    entry.features.push(...features);
    results.set(name, entry);
    return entry;
  };
  const plain = enlargeByLanczos(small, half, half, 2).map((value) => Math.min(1, Math.max(-1, value)));
  await measure("lanczos", plain);
  const drawn = [plain];
  for (const way of ways) {
    const start = performance.now();
    const doubling = { config, ...way, open: async () => session, tile: size };
    const { data } = await doubleByDiffusion({ width: half, height: half, data: small }, doubling, {
      seed: i,
      stage: 0,
    });
    const seconds = (performance.now() - start) / 1000;
    const entry = await measure(`${way.steps} steps, augmentation ${way.augmentation}`, data);
    entry.seconds.push(seconds);
    drawn.push(data);
  }
  if (i < 6) {
    for (const image of [...drawn, large]) {
      const middle = new Float32Array(half * half * 3);
      cut(image, size, half / 2, half / 2, half, middle);
      rows.push({ width: half, height: half, channels: 3, data: toBytes(middle) });
    }
  }
}
for (const [name, { psnr: ratios, sharpness, far, features, seconds }] of results) {
  const parts = [
    `PSNR ${mean(ratios).toFixed(2)} dB`,
    `sharpness ${mean(sharpness).toFixed(3)}`,
    `features ${mean(far).toFixed(3)} away`,
    `Fréchet ${frechetDistance(features, drawings).toFixed(3)}`,
    ...(seconds.length > 0 ? [`${mean(seconds).toFixed(2)} s`] : []),
  ];
  console.log(`${name}: ${parts.join(", ")}`);
}
if (values.sheet !== undefined) {
  await writeFile(values.sheet, encodePng(joinGrid(rows, { columns: ways.length + 2, spacing: 4 })));
  console.log(values.sheet);
}
await Promise.all([trip.close(), session.close(), classifier.close()]);
await engine.close();
