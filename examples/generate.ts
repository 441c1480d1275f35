// The shortest program: draws an image and writes it to a file.
// Run it with Node.js 22.18 or newer (npx tsx runs it on older versions):
//
//     node examples/generate.ts "blue cat against a sunset background" cat.png
import { writeFile } from "node:fs/promises";
import { loadPipeline } from "nishiki";

const [prompt = "blue cat against a sunset background", file = "image.png"] = process.argv.slice(2);

const pipeline = await loadPipeline({ model: process.env.NISHIKI_MODEL });
for await (const event of pipeline.generate({ prompt, seed: 0 })) {
  if (event.kind === "image") await writeFile(file, event.png());
}
await pipeline.dispose();
console.log(file);
