// What looking inside costs a drawing that nobody looks into: `npm run bench -- inside --rounds 60 [--model FOLDER] [--steps 8]`.
// Turn and turn about: a pipeline that was never looked into, one that was, and the same while it is looked into. A pair of
// drawings is compared within its round, so that a machine with other work slows both down alike. Prints the median ratios of
// processor time and of time, with their 95% intervals (by resampling rounds), and whether the bytes are the same.
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { Attribution } from "../../src/inspect/index.js";
import type { ImageRequest, Pipeline, Probe } from "../../src/pipeline/index.js";
import { loadPipeline } from "../../src/pipeline/node.js";
import { random } from "../../src/random/index.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "60" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    model: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const request: ImageRequest = { prompt: "a blue cat and a red house", seed: 4, steps: Number(values.steps) };

interface Drawn {
  readonly seconds: number;
  /** Of all threads. */
  readonly processor: number;
  readonly sha256: string;
}

async function draw(pipeline: Pipeline, probe?: Probe): Promise<Drawn> {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  let pixels = new Uint8Array();
  for await (const event of pipeline.generate(request, probe ? { probe } : {}))
    if (event.kind === "image") pixels = event.pixels as Uint8Array<ArrayBuffer>;
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(usage);
  return {
    seconds,
    processor: (user + system) / 1e6,
    sha256: createHash("sha256").update(pixels).digest("hex"),
  };
}

const look = (): Probe => ({ onAttention: new Attribution().add, onPrediction: () => {} });

const median = (list: readonly number[]) => {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

/** Median, and the interval in which 95% of the medians of resampled rounds lie. */
function describe(ratios: readonly number[]): string {
  const chance = random(1, "bench inside");
  const medians = Array.from({ length: 2000 }, () =>
    median(ratios.map(() => ratios[Math.floor(chance.uniform() * ratios.length)]!)),
  ).sort((a, b) => a - b);
  const [low, high] = [medians[50]!, medians[1949]!];
  return `${median(ratios).toFixed(3)} (95%: ${low.toFixed(3)} to ${high.toFixed(3)})`;
}

const load = { threads: Number(values.threads), ...(values.model !== undefined && { model: values.model }) };
const fresh = await loadPipeline(load);
const seen = await loadPipeline(load);
await draw(seen, look());
const [reference] = [await draw(fresh), await draw(seen)];
const kinds = new Map([
  ["looked into before", { seconds: [] as number[], processor: [] as number[] }],
  ["being looked into", { seconds: [] as number[], processor: [] as number[] }],
]);
function add(kind: string, drawn: Drawn, plain: Drawn): void {
  const { seconds, processor } = kinds.get(kind)!;
  seconds.push(drawn.seconds / plain.seconds);
  processor.push(drawn.processor / plain.processor);
}

let isSame = true;
for (let round = 0; round < rounds; round++) {
  // Who begins changes every round.
  const drawn: Drawn[] = [];
  for (const pipeline of round % 2 === 0 ? [fresh, seen] : [seen, fresh]) drawn.push(await draw(pipeline));
  const [plain, other] = round % 2 === 0 ? [drawn[0]!, drawn[1]!] : [drawn[1]!, drawn[0]!];
  isSame &&= drawn.every(({ sha256 }) => sha256 === reference!.sha256);
  add("looked into before", other, plain);
  add("being looked into", await draw(seen, look()), plain);
}
for (const [kind, { seconds, processor }] of kinds) {
  console.log(`A drawing by a pipeline ${kind}, beside one by a pipeline that never was:`);
  console.log(`  processor time ${describe(processor)}, time ${describe(seconds)}`);
}
console.log(`Bytes of all ${2 * rounds} plain drawings: ${isSame ? "the same" : "DIFFERENT"}`);
await Promise.all([fresh.dispose(), seen.dispose()]);
