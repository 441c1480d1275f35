// One image by a full-size model beside what diffusers made of it (diffusers_latents.py): how far the final
// latents and the decoded pixels differ, seconds a step, and memory.
//
//   npx tsc -p tsconfig.bench.json
//   node out/bench/bench/stable-diffusion/compare-latents.js MODEL [LATENTS.safetensors] --size 256x256 --steps 20
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Pipeline } from "nishiki";
import { openSafetensors } from "nishiki/checkpoint/node";
import type { Model, Stage, TransformStage } from "nishiki/pipeline";
import { loadParts } from "nishiki/pipeline/node";
import { median } from "../cost.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompt: { type: "string", default: "blue cat against a sunset background" },
    size: { type: "string", default: "512x512" },
    steps: { type: "string", default: "20" },
    seed: { type: "string", default: "0" },
    guidance: { type: "string", default: "7.5" },
    sampler: { type: "string" },
    threads: { type: "string", default: "2" },
  },
});
const [model, reference] = positionals as [string, string | undefined];

let latents: Float32Array | undefined;

/** A model that keeps the latents of its base stage. */
function listen(model: Model): Model {
  const keep = (stage: Stage): Stage => {
    if (stage.kind !== "transform" || stage.name !== "decode") return stage;
    const run: TransformStage["run"] = (input, runtime) => {
      const base = input.results.get("base");
      if (base?.kind === "values") latents = base.data;
      return stage.run(input, runtime);
    };
    return { ...stage, run };
  };
  const prepare: Model["prepare"] = async (settings, runtime) => {
    const plan = await model.prepare(settings, runtime);
    return { ...plan, stages: plan.stages.map(keep) };
  };
  return { identity: model.identity, context: model.context, prepare };
}

/** The most memory that this process had, in GB (10⁹ bytes). */
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1e6;

const began = performance.now();
const parts = await loadParts({ model, threads: Number(values.threads) });
const pipeline = new Pipeline({ ...parts, model: listen(parts.model) });
const marks = [performance.now()];
const request = {
  prompt: values.prompt,
  size: values.size,
  steps: Number(values.steps),
  seed: Number(values.seed),
  guidance: Number(values.guidance),
  rng: "torch-cpu" as const,
  ...(values.sampler && { sampler: values.sampler }),
};
let pixels: Uint8Array | undefined;
for await (const event of pipeline.generate(request)) {
  if (event.kind === "step") marks.push(performance.now());
  if (event.kind === "image") pixels = event.pixels;
  if (event.kind === "warning") process.stderr.write(`${event.message}\n`);
}
const ended = performance.now();
await pipeline.dispose();

function largestError(found: ArrayLike<number>, expected: Float32Array): number {
  const most = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return expected.reduce((error, value, i) => Math.max(error, Math.abs(found[i]! - value)), 0) / most;
}

async function compareWithReference(path: string) {
  const file = await openSafetensors(path);
  const expected = await file.readFloat32("latents");
  const planes = await file.readFloat32("pixels");
  const area = planes.length / 3;
  // Channels first to last, and as 8 bits.
  const bytes = pixels!.map((_, i) =>
    Math.min(255, Math.max(0, Math.round((planes[(i % 3) * area + Math.floor(i / 3)]! + 1) * 127.5))),
  );
  const differing = bytes.reduce((count, value, i) => count + (value === pixels![i] ? 0 : 1), 0);
  const most = bytes.reduce((error, value, i) => Math.max(error, Math.abs(value - pixels![i]!)), 0);
  return {
    latentsError: largestError(latents!, expected),
    bytesThatDiffer: differing / bytes.length,
    largestByteError: most,
  };
}

const steps = marks.slice(2).map((mark, i) => (mark - marks[i + 1]!) / 1000);
const report = {
  loadSeconds: (marks[0]! - began) / 1000,
  toFirstStepSeconds: (marks[1]! - marks[0]!) / 1000,
  stepSeconds: steps.length > 0 ? median(steps) : undefined,
  decodeSeconds: (ended - marks.at(-1)!) / 1000,
  peakGigabytes: peak(),
  ...(reference && (await compareWithReference(reference))),
};
console.log(JSON.stringify(report));
