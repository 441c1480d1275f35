// Shows how an image takes shape: writes a contact sheet with a preview of every step.
// Run it with Node.js 22.18 or newer (npx tsx runs it on older versions):
//
//     node examples/steps.ts "comb, green" steps.png
import { writeFile } from "node:fs/promises";
import { loadPipeline, type Pixels } from "nishiki";
import { encodePng, joinGrid } from "nishiki/image";

const [prompt = "comb, green", file = "steps.png"] = process.argv.slice(2);

const pipeline = await loadPipeline({ model: process.env.NISHIKI_MODEL });
const previews: Pixels[] = [];
for await (const event of pipeline.generate({ prompt, seed: 0 })) {
  if (event.kind !== "step") continue;
  previews.push(await event.preview());
  console.log(`step ${event.step} of ${event.steps}, ${event.secondsLeft.toFixed(1)} s left`);
}
await writeFile(file, encodePng(joinGrid(previews)));
await pipeline.dispose();
console.log(file);
