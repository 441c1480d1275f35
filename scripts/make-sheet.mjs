// Draws the README's sheet: fixed prompts at seed 0, each drawn once, without selection.
//
//     npm run build && node scripts/make-sheet.mjs [MODEL_FOLDER] [OUT.webp] [PROMPTS.txt]
//
// prompts/fixed-64.txt shows what the model is for. Somebody else wrote prompts/unchosen-24.txt before the
// model was trained.
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { contactSheet } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";
import { loadPipeline } from "../dist/index.js";

const [model, out = "docs/sheet.webp", list = "scripts/prompts/fixed-64.txt"] = process.argv.slice(2);
const prompts = (await readFile(list, "utf8")).split("\n").filter(Boolean);
const pipeline = await loadPipeline(model ? { model } : {});
const entries = [];
for (const prompt of prompts) {
  for await (const event of pipeline.generate({ prompt, seed: 0 })) {
    if (event.kind === "image") {
      const { width, height, pixels } = event;
      entries.push({ image: { width, height, channels: 3, data: pixels }, caption: prompt });
    }
  }
  process.stderr.write(`${entries.length} of ${prompts.length}: ${prompt}\n`);
}
await pipeline.dispose();
await sharp(await renderSvgToPng(contactSheet(entries, { columns: 8, size: 160 }))).toFile(out);
console.log(out);
