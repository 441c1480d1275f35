// `npm run bench`: training steps beside the machine's matrix rate, and images as whole processes.
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { measureImages } from "./images.js";
import { transformer, unet } from "./networks.js";
import { type BenchReport, describeMachine, formatReport } from "./report.js";
import { measureTraining, type TrainingResult } from "./training-step.js";

const parts = ["transformer", "unet", "pictures"] as const;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [...parts] },
    steps: { type: "string", default: "15" },
    threads: { type: "string", default: String(availableParallelism()) },
    lanes: { type: "string", default: "2" },
    batch: { type: "string" },
    json: { type: "boolean", default: false },
    output: { type: "string", default: "out/bench/results.json" },
  },
});
const unknown = values.only.filter((name) => !(parts as readonly string[]).includes(name));
if (unknown.length > 0) throw new Error(`--only: expected ${parts.join(", ")}, got ${unknown.join(", ")}.`);

const require = createRequire(import.meta.url);
const root = dirname(require.resolve("nishiki/package.json"));
const { version } = require("onnxruntime-node/package.json") as { version: string };
const machine = describeMachine(version);
const [steps, threads] = [Number(values.steps), Number(values.threads)];
const batch = values.batch === undefined ? undefined : Number(values.batch);

// Images first: a process that is started inherits this one's memory for a moment, and that counts as its
// peak.
let images: BenchReport["images"];
if (values.only.includes("pictures")) {
  process.stderr.write("Measuring pictures …\n");
  images = await measureImages(root, 3);
}
const training: TrainingResult[] = [];
const networks = { transformer, unet };
for (const name of ["transformer", "unet"] as const) {
  if (!values.only.includes(name)) continue;
  process.stderr.write(`Measuring ${name} …\n`);
  training.push(
    await measureTraining(networks[name](batch), { steps, threads, lanes: Number(values.lanes) }),
  );
}
const report: BenchReport = { date: new Date().toISOString(), machine, threads, training, images };
const text = `${JSON.stringify(report, null, 2)}\n`;
const output = join(root, values.output);
await mkdir(dirname(output), { recursive: true });
await writeFile(output, text);
process.stdout.write(values.json ? text : `${formatReport(report)}\n\n${text}`);
