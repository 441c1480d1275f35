// One network of a Stable Diffusion folder in a process of its own: seconds of loading and of runs, the
// machine's matrix rate between them, and the memory that stays. Prints one JSON object.
//
//   node out/bench/bench/stable-diffusion/part-process.js unet FOLDER [--samples 3] [--threads 2] [--prepared]
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { makeEngine } from "../../src/engine/node.js";
import { sizeOf } from "../../src/graph/index.js";
import { median, timed } from "../cost.js";
import { makeMatrixRate, matrixFlop } from "../matrix-rate.js";
import { openPart, type PartName } from "./parts.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: "string", default: "3" },
    threads: { type: "string", default: String(availableParallelism()) },
    /** Weights widened and packed when they are loaded, as the pipeline does for the decoder alone. */
    prepared: { type: "boolean", default: false },
    /** Convolutions and layout as the programs have them. */
    plain: { type: "boolean", default: false },
  },
});
const [name, folder] = positionals as [PartName, string];
const part = await openPart(name, folder);
const engine = makeEngine({ device: "cpu", threads: Number(values.threads) });
const matrix = await makeMatrixRate(engine);
const began = performance.now();
const session = await engine.load(part.program, {
  weights: part.weights,
  inPlace: !(values.prepared || name === "decoder" || name === "tiny"),
  ...(!values.plain && { usualSizes: part.usualSizes }),
});
const loadSeconds = (performance.now() - began) / 1000;
const first = await timed(() => session.run(part.inputs));
const seconds: number[] = [];
const rates = [(await matrix.measure()).seconds];
for (let i = 0; i < Number(values.samples); i++) {
  seconds.push((await timed(() => session.run(part.inputs))).seconds);
  rates.push((await matrix.measure()).seconds);
}
const status = readFileSync("/proc/self/status", "utf8");
const gigabytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) * 1.024e-6;
const parameters = part.program.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
console.log(
  JSON.stringify({
    loadSeconds,
    firstSeconds: first.seconds,
    seconds,
    gflop: part.flop / 1e9,
    matmulGflops: matrixFlop / median(rates) / 1e9,
    residentGigabytes: gigabytes("VmRSS"),
    anonymousGigabytes: gigabytes("RssAnon"),
    float32Gigabytes: (4 * parameters) / 1e9,
  }),
);
await engine.close();
