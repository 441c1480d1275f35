// Draws a picture and writes it: the shortest program.
//
//     node examples/generate.ts "blue cat against a sunset background" cat.png
import { writeFile } from "node:fs/promises";
import { loadPipeline } from "nishiki";

const [prompt = "blue cat against a sunset background", file = "picture.png"] = process.argv.slice(2);

const pipeline = await loadPipeline({ model: process.env.NISHIKI_MODEL });
for await (const event of pipeline.generate({ prompt, seed: 0 })) {
  if (event.kind === "image") await writeFile(file, event.png());
}
await pipeline.dispose();
console.log(file);
