// Draws the README's sheet: fixed prompts at seed 0, each drawn once, none picked.
//
//     npm run build && node scripts/make-sheet.mjs [MODEL_FOLDER] [OUT.png]
import { writeFile } from "node:fs/promises";
import { contactSheet } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";
import { loadPipeline } from "../dist/index.js";

const prompts = [
  // What the project was founded on.
  "cactus and keyboard, style by Hiroshige",
  "blue cat against a sunset background in style of Pablo Picasso",
  "comb, green",
  // Common things, each in two styles.
  ...["cat", "apple", "rocket", "house", "tree", "fish", "car", "pizza"].flatMap((thing) => [
    `${thing}, 3d`,
    `${thing}, flat style`,
  ]),
  // Filters, colours, backgrounds, places, counts, and two things.
  "a house in the style of Hiroshige",
  "an elephant by Pablo Picasso",
  "a blue cat",
  "a purple apple",
  "a red fish",
  "a dog at night",
  "a penguin in the snow",
  "a rocket in space",
  "a yellow car against green stripes",
  "a guitar on a blue background",
  "two red apples",
  "three fish",
  "a cat and a dog",
];

const [model, out = "docs/sheet.png"] = process.argv.slice(2);
const pipeline = await loadPipeline({ model });
const entries = [];
for (const prompt of prompts) {
  for await (const event of pipeline.generate({ prompt, seed: 0 })) {
    if (event.kind === "image") {
      const { width, height, pixels } = event;
      entries.push({ picture: { width, height, channels: 3, data: pixels }, caption: prompt });
    }
  }
  process.stderr.write(`${entries.length} of ${prompts.length}: ${prompt}\n`);
}
await pipeline.dispose();
await writeFile(out, await renderSvgToPng(contactSheet(entries, { columns: 8, size: 160 })));
console.log(out);
