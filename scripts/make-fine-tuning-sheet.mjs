// Draws the sheet of docs/fine-tuning.md: prompts at seed 0 without a LoRA, with it, and with it at weight
// 0.6. `npm run build && node scripts/make-fine-tuning-sheet.mjs mosaic.safetensors [OUT.webp]`
import sharp from "sharp";
import { contactSheet } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";
import { loadPipeline } from "../dist/index.js";

const [lora = "mosaic.safetensors", out = "docs/fine-tuning.webp"] = process.argv.slice(2);
const prompts = [
  "a bear, mosaic",
  "a mosaic of a butterfly",
  "a castle, mosaic style",
  "a blue whale, mosaic",
  "a hot dog as a mosaic",
  "a hammer, flat style",
];
const rows = [
  { label: "", options: {} },
  { label: " (LoRA)", options: { lora: [lora] } },
  { label: " (LoRA × 0.6)", options: { lora: [`${lora}:0.6`] } },
];
const images = [];
for (const { label, options } of rows) {
  const pipeline = await loadPipeline(options);
  for (const prompt of prompts) {
    for await (const event of pipeline.generate({ prompt, seed: 0 })) {
      if (event.kind !== "image") continue;
      const image = { width: event.width, height: event.height, channels: 3, data: event.pixels };
      images.push({ image, caption: `${prompt}${label}` });
    }
  }
  await pipeline.dispose();
}
await sharp(await renderSvgToPng(contactSheet(images, { columns: prompts.length, size: 150 }))).toFile(out);
console.log(out);
