// Draws five images in one process, with --fast in few steps, and prints the seconds of each.
import { loadPipeline } from "nishiki";

const [prompt = "red apple", ...how] = process.argv.slice(2);
const request = { prompt, ...(how.includes("--fast") && { fast: true }) };
const pipeline = await loadPipeline();
const seconds: number[] = [];
for (let seed = 0; seed < 5; seed++) {
  const began = performance.now();
  for await (const event of pipeline.generate({ ...request, seed })) {
    if (event.kind === "image") event.png();
  }
  seconds.push((performance.now() - began) / 1000);
}
await pipeline.dispose();
console.log(JSON.stringify(seconds));
