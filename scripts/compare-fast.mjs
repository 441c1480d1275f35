// Measures the cost of few steps: samples latents from the same noise with the model's default settings, with its
// settings for few steps (--fast; a distilled student, if the model has one), and with other numbers of steps.
// Prints distances to the first and draws a sheet.
//
//     npm run build && node scripts/compare-fast.mjs [MODEL_FOLDER] [OUT.webp]
//
// Distances are mean squared differences of latents, whose channels have variance 1 over training scenes.
import sharp from "sharp";
import { commonThings } from "../dist/data/index.js";
import { contactSheet } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";
import { completeRequest, getPixels, runPlan } from "../dist/pipeline/index.js";
import { loadParts } from "../dist/pipeline/node.js";
import { random } from "../dist/random/index.js";

const [model, out = "docs/fast.webp", promptCount = "32"] = process.argv.slice(2);
const ways = {
  default: {},
  fast: { fast: true },
  "4 steps": { steps: 4 },
  "4 of Euler": { steps: 4, sampler: "euler" },
  "4, unguided": { steps: 4, sampler: "euler", guidance: 1 },
  "6 of Euler": { steps: 6, sampler: "euler" },
  "8 steps": { steps: 8 },
};
const waysOnSheet = ["default", "fast", "8 steps"];

/** Cycles through the kinds of prompts, with contents from a seed. */
function makePrompts(count) {
  const numbers = random(0, "compare");
  const thing = () => numbers.pick(commonThings).name;
  const kinds = [
    () => `${thing()}, 3d`,
    () => `${numbers.pick(["red", "blue", "green", "yellow", "purple"])} ${thing()}`,
    () => `${thing()}, ${numbers.pick(["flat style", "by Pablo Picasso", "pixel art", "watercolour"])}`,
    () => `${thing()} ${numbers.pick(["at night", "in the snow", "against a sunset", "in a meadow"])}`,
  ];
  return Array.from({ length: count }, (_, i) => kinds[i % kinds.length]());
}

const { model: loaded, close } = await loadParts({ ...(model && { model }) });

async function draw(prompt, request) {
  const settings = completeRequest({ prompt, seed: 0, ...request }, loaded.context);
  const plan = await loaded.prepare(settings, {});
  const began = performance.now();
  const run = runPlan(plan, { seeds: { seed: 0 } });
  let state = await run.next();
  while (!state.done) state = await run.next();
  const seconds = (performance.now() - began) / 1000;
  return { pixels: getPixels(plan, state.value), latents: state.value.get("base").data, seconds };
}

function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
}

const prompts = makePrompts(Number(promptCount));
const results = Object.fromEntries(Object.keys(ways).map((way) => [way, { distances: [], seconds: [] }]));
const images = [];
for (const [index, prompt] of prompts.entries()) {
  let exact;
  for (const [way, request] of Object.entries(ways)) {
    const { pixels, latents, seconds } = await draw(prompt, request);
    exact ??= latents;
    results[way].distances.push(distance(latents, exact));
    results[way].seconds.push(seconds);
    if (!waysOnSheet.includes(way)) continue;
    const { width, height, data } = pixels;
    images.push({ image: { width, height, channels: 3, data }, caption: `${prompt} (${way})` });
  }
  process.stderr.write(`${index + 1} of ${prompts.length}: ${prompt}\n`);
}
await close();
await sharp(
  await renderSvgToPng(contactSheet(images, { columns: waysOnSheet.length * 4, size: 128 })),
).toFile(out);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
for (const [way, { distances, seconds }] of Object.entries(results)) {
  const mean = distances.reduce((a, b) => a + b, 0) / distances.length;
  console.log(`${way.padEnd(12)} distance ${mean.toFixed(4)}, ${median(seconds).toFixed(3)} s of sampling`);
}
console.log(out);
