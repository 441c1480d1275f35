// Cancels a long request after its first image. An AbortSignal stops it within one step.
// Run it with Node.js 22.18 or newer (npx tsx runs it on older versions):
//
//     node examples/cancel.ts
import { loadPipeline, NishikiError } from "nishiki";

const pipeline = await loadPipeline({ model: process.env.NISHIKI_MODEL });
const controller = new AbortController();
let finished = 0;
try {
  const request = { prompt: "red apple", seed: 0, count: 100 };
  for await (const event of pipeline.generate(request, { signal: controller.signal })) {
    if (event.kind !== "image") continue;
    finished += 1;
    controller.abort();
  }
} catch (error) {
  if (!(error instanceof NishikiError) || error.code !== "aborted") throw error;
  console.log(`Cancelled after ${finished} of 100 images.`);
} finally {
  await pipeline.dispose();
}
