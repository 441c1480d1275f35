// `npm run bench:sd -- --model FOLDER`: Stable Diffusion's networks at full size beside PyTorch with
// diffusers and stable-diffusion.cpp, each in a process of its own, in turn. bench/peers/README.md says how
// to get the peers.
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../cost.js";
import { describeMachine, table } from "../report.js";
import { type PartName, partNames } from "./parts.js";
import { measureCpp } from "./stable-diffusion-cpp.js";
import { watch } from "./watch.js";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    part: { type: "string", multiple: true, default: [...partNames] },
    samples: { type: "string", default: "3" },
    /** Of a whole image; 0 for none. */
    steps: { type: "string", default: "20" },
    threads: { type: "string", default: String(availableParallelism()) },
    /** A Python with torch and diffusers; left out, PyTorch is not measured. */
    python: { type: "string" },
    /** stable-diffusion.cpp's program, and what else it shall be told. */
    "sd-cli": { type: "string" },
    "sd-argument": { type: "string", multiple: true, default: [] },
    /** Hold all networks, in place of one stage after another. */
    "keep-loaded": { type: "boolean", default: false },
    prepared: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (!values.model) throw new Error("--model: expected a folder as diffusers lays it out.");
const model = resolve(values.model);
const [steps, threads] = [Number(values.steps), Number(values.threads)];

const require = createRequire(import.meta.url);
const root = dirname(require.resolve("nishiki/package.json"));
const { version } = require("onnxruntime-node/package.json") as { version: string };

/** What one of the programs did with one network, or with a whole image. */
interface Row {
  readonly program: string;
  readonly part: PartName | "picture";
  readonly seconds: number;
  readonly loadSeconds?: number;
  readonly peakGigabytes?: number;
  /** After the runs; what of it is not mapped from files; what the weights are in float32. */
  readonly residentGigabytes?: number;
  readonly anonymousGigabytes?: number;
  readonly float32Gigabytes?: number;
  readonly gflop?: number;
  readonly matmulGflops?: number;
}

interface PartReport extends Omit<Row, "program" | "part" | "seconds"> {
  readonly seconds: readonly number[];
}

const say = (text: string) => process.stderr.write(`Measuring ${text} …\n`);
const samples = ["--samples", values.samples, "--threads", String(threads)];

async function measureNishiki(part: PartName, prepared: boolean): Promise<Row> {
  const program = prepared ? "Nishiki, weights prepared" : "Nishiki";
  say(`${program}: ${part}`);
  const script = fileURLToPath(new URL("./part-process.js", import.meta.url));
  const flags = prepared ? ["--prepared"] : [];
  const { output, peakGigabytes } = await watch(process.execPath, [
    script,
    part,
    model,
    ...samples,
    ...flags,
  ]);
  const report = JSON.parse(output) as PartReport;
  return { ...report, program, part, seconds: median(report.seconds), peakGigabytes };
}

const pythonScript = join(root, "bench/peers/diffusers_parts.py");

async function measureTorch(python: string, part: PartName | "picture"): Promise<Row> {
  say(`PyTorch: ${part}`);
  const { output, seconds, peakGigabytes } = await watch(python, [
    pythonScript,
    part,
    model,
    ...samples,
    "--steps",
    values.steps,
  ]);
  const report = JSON.parse(output.trim().split("\n").at(-1)!) as PartReport;
  // A whole image is the whole process, as it is for the others.
  const took = part === "picture" ? seconds : median(report.seconds);
  return { ...report, program: "PyTorch", part, seconds: took, peakGigabytes };
}

async function drawWithNishiki(): Promise<Row> {
  say(`Nishiki: ${steps} steps`);
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  try {
    const cli = join(root, "dist/cli/main.js");
    const settings = ["--steps", String(steps), "--size", "512x512", "--seed", "1", "--sampler", "euler"];
    const machine = ["--model", model, "--threads", String(threads), "--quiet"];
    const flags = values["keep-loaded"] ? ["--keep-loaded"] : [];
    const output = ["--output", join(folder, "picture.png")];
    const prompt = "blue cat against a sunset background";
    const { seconds, peakGigabytes } = await watch(process.execPath, [
      cli,
      prompt,
      ...settings,
      ...machine,
      ...flags,
      ...output,
    ]);
    const program = values["keep-loaded"] ? "Nishiki, --keep-loaded" : "Nishiki";
    return { program, part: "picture", seconds, peakGigabytes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureStableDiffusionCpp(command: string): Promise<Row[]> {
  say(`stable-diffusion.cpp: ${steps || 1} steps`);
  const more = values["sd-argument"];
  const found = await measureCpp(command, model, { steps: steps || 1, threads, more });
  const program = "stable-diffusion.cpp";
  return [
    { program, part: "unet", seconds: found.stepSeconds, loadSeconds: found.loadSeconds },
    { program, part: "text", seconds: found.textSeconds },
    { program, part: "decoder", seconds: found.decodeSeconds },
    { program, part: "picture", seconds: found.seconds, peakGigabytes: found.peakGigabytes },
  ];
}

const fixed = (value: number | undefined, digits: number) =>
  value === undefined ? "" : value.toFixed(digits);

function format(rows: readonly Row[]): string[] {
  const flopOf = new Map(rows.flatMap(({ part, gflop }) => (gflop ? [[part, gflop] as const] : [])));
  const lines = rows.map((row) => {
    const gflop = flopOf.get(row.part);
    const rate = gflop && gflop / row.seconds;
    const share = rate && row.matmulGflops ? `${Math.round((100 * rate) / row.matmulGflops)}%` : "";
    const ratio =
      row.residentGigabytes && row.float32Gigabytes && row.residentGigabytes / row.float32Gigabytes;
    return [
      row.part,
      row.program,
      fixed(row.seconds, 2),
      fixed(rate, 0),
      fixed(row.matmulGflops, 0),
      share,
      fixed(row.loadSeconds, 1),
      fixed(row.peakGigabytes, 2),
      fixed(row.residentGigabytes, 2),
      ratio ? `${ratio.toFixed(2)}×` : "",
    ];
  });
  const head = ["part", "program", "seconds", "GFLOP/s", "MatMul 1024³", "share", "load s", "peak GB"];
  return table([[...head, "stays GB", "of float32"], ...lines]);
}

const parts = values.part.map((name) => {
  const part = partNames.find((one) => one === name);
  if (!part) throw new Error(`--part: expected ${partNames.join(", ")}, got ${name}.`);
  return part;
});
const machine = describeMachine(version);
const rows: Row[] = [];
for (const part of parts) {
  rows.push(await measureNishiki(part, false));
  if (values.prepared && part !== "decoder") rows.push(await measureNishiki(part, true));
  if (values.python) rows.push(await measureTorch(values.python, part));
}
if (steps > 0) {
  rows.push(await drawWithNishiki());
  if (values.python) rows.push(await measureTorch(values.python, "picture"));
}
if (values["sd-cli"]) rows.push(...(await measureStableDiffusionCpp(values["sd-cli"])));
const order = [...partNames, "picture"];
rows.sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part));
const text = `${JSON.stringify({ date: new Date().toISOString(), machine, threads, steps, rows }, null, 2)}\n`;
const { processor, cores, loadBefore, node } = machine;
const about = `${processor}, ${cores} cores, ${threads} threads, load ${loadBefore} before; Node ${node}, ONNX Runtime ${version}`;
process.stdout.write(values.json ? text : [about, "", ...format(rows), "", text].join("\n"));
