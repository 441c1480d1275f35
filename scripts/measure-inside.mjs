// Measures two claims of docs/how-it-works.md over many prompts of the embedded model:
//
//     npm run build && node scripts/measure-inside.mjs [--prompts 24] [--seeds 64] [--average 6]
//
// 1. The first prediction is an average: its distance to the mean of many seeds, beside one drawing's distance to that mean and
//    to the mean of other prompts. 2. Attention and what a word causes agree: the correlation of a word's map with the change
//    that leaving it out makes, beside the correlation with another word's map of the same prompt.
import { parseArgs } from "node:util";
import { describeScene, wholeCatalogue } from "../dist/data/index.js";
import { embeddedMix } from "../dist/evaluate/index.js";
import { loadPipeline } from "../dist/index.js";
import { correlate, explain, meanImage, psnr, resizeMap } from "../dist/inspect/index.js";

const { values } = parseArgs({
  options: {
    prompts: { type: "string", default: "24" },
    seeds: { type: "string", default: "64" },
    average: { type: "string", default: "6" },
  },
});
const [prompts, seeds, averages] = [values.prompts, values.seeds, values.average].map(Number);
const captions = Array.from(
  { length: prompts },
  (_, i) => describeScene(97, i, embeddedMix, wholeCatalogue).caption,
);
const pipeline = await loadPipeline();
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

async function drawAll(prompt) {
  const images = [];
  for (let seed = 0; seed < seeds; seed++)
    for await (const event of pipeline.generate({ prompt, seed }))
      if (event.kind === "image")
        images.push({ width: event.width, height: event.height, channels: 3, data: event.pixels });
  return images;
}

async function drawFirst(prompt, seed) {
  for await (const event of pipeline.generate({ prompt, seed, guidance: 1 }))
    if (event.kind === "step") return event.preview();
}

const own = [];
const others = [];
for (const prompt of captions) {
  const maps = [];
  for await (const finding of explain(pipeline, { prompt, seed: 1 }, { panels: ["leave-out"], words: 3 })) {
    if (finding.kind === "words") maps.push(...finding.maps);
    if (finding.kind !== "without") continue;
    own.push(finding.agreement);
    const size = { width: finding.image.width, height: finding.image.height };
    for (const map of maps) {
      if (map.index === finding.index) continue;
      others.push(correlate(finding.change, resizeMap(map.data, map, size)));
    }
  }
}
console.log(
  `attention and change: ${own.length} words, correlation ${mean(own).toFixed(2)} (median ${median(own).toFixed(2)}), positive ${Math.round((100 * own.filter((v) => v > 0).length) / own.length)}%; other words of the same prompt ${mean(others).toFixed(2)}`,
);

const measured = [];
for (const prompt of captions.slice(0, averages)) {
  const images = await drawAll(prompt);
  measured.push({ prompt, images, middle: meanImage(images), first: await drawFirst(prompt, 1000) });
}
for (const { prompt, images, middle, first } of measured) {
  const rest = measured.filter((one) => one.prompt !== prompt);
  const row = {
    prompt,
    firstToMean: psnr(first, middle),
    drawingsToMean: mean(images.map((image) => psnr(image, middle))),
    firstToOtherMeans: mean(rest.map((one) => psnr(first, one.middle))),
  };
  console.log(
    JSON.stringify(row, (_, value) => (typeof value === "number" ? Number(value.toFixed(1)) : value)),
  );
}
await pipeline.dispose();
