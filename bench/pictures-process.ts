// Draws five pictures one after another in one process and prints the seconds of each.
import { loadPipeline } from "nishiki";

const [prompt = "red apple"] = process.argv.slice(2);
const pipeline = await loadPipeline();
const seconds: number[] = [];
for (let seed = 0; seed < 5; seed++) {
  const began = performance.now();
  for await (const event of pipeline.generate({ prompt, seed })) {
    if (event.kind === "picture") event.png();
  }
  seconds.push((performance.now() - began) / 1000);
}
await pipeline.dispose();
console.log(JSON.stringify(seconds));
