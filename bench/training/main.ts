// `npm run bench -- training --python PATH`: steps of the embedded model's denoiser by this project's trainer and by PyTorch
// (bench/peers/torch_denoiser_step.py), turn and turn about.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Cost, medianCost } from "../cost.js";
import { textTokens, unet } from "../networks.js";
import { describeMachine, table } from "../report.js";
import { measureTraining, warmup } from "../training-step.js";

const { values } = parseArgs({
  options: {
    /** A Python with torch. */
    python: { type: "string" },
    steps: { type: "string", default: "9" },
    batch: { type: "string", default: "128" },
    threads: { type: "string", default: String(availableParallelism()) },
    lanes: { type: "string", default: String(availableParallelism()) },
  },
});
if (!values.python) throw new Error("--python: expected a Python with torch.");
const require = createRequire(import.meta.url);
const root = dirname(require.resolve("nishiki/package.json"));
const { version } = require("onnxruntime-node/package.json") as { version: string };
const [steps, batch, threads, lanes] = [values.steps, values.batch, values.threads, values.lanes].map(
  Number,
) as [...[number, number, number, number]];

interface Peer {
  readonly parameters: number;
  readonly torch: string;
  readonly step: () => Promise<Cost>;
  readonly process: ChildProcess;
}

/** Starts PyTorch, which waits for its turns. */
async function openPeer(python: string): Promise<Peer> {
  const script = join(root, "bench/peers/torch_denoiser_step.py");
  const flags = ["--batch", String(batch), "--threads", String(threads), "--tokens", String(textTokens)];
  const child = spawn(python, [script, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("PyTorch ended: see what it said above.");
    return JSON.parse(value) as T;
  };
  const step = async () => {
    child.stdin.write("\n");
    return read<Cost>();
  };
  return { ...(await read<Pick<Peer, "parameters" | "torch">>()), step, process: child };
}

const machine = describeMachine(version);
const peer = await openPeer(values.python);
const costs: Cost[] = [];
const network = unet(batch);
const between = async () => {
  costs.push(await peer.step());
};
const own = await measureTraining(network, { steps, threads, lanes, between });
peer.process.stdin!.end();
await once(peer.process, "close");
if (own.parameters !== peer.parameters)
  throw new Error(`The networks differ: ${own.parameters} parameters, and ${peer.parameters} in PyTorch.`);

const theirs = medianCost(costs.slice(warmup));
const rows = [
  ["Nishiki", own.secondsPerStep, own.processorSecondsPerStep] as const,
  [`PyTorch ${peer.torch}`, theirs.seconds, theirs.processorSeconds] as const,
].map(([name, seconds, processorSeconds]) => [
  name,
  seconds.toFixed(3),
  (theirs.seconds / seconds).toFixed(2),
  processorSeconds.toFixed(3),
  (theirs.processorSeconds / processorSeconds).toFixed(2),
  (own.flopPerStep / seconds / 1e9).toFixed(0),
]);
const head = ["", "seconds", "of PyTorch's speed", "processor seconds", "of PyTorch's", "GFLOP/s"];
const { processor, cores, loadBefore } = machine;
process.stdout.write(
  [
    `${processor}, ${cores} cores, ${threads} threads, load ${loadBefore} before; ONNX Runtime ${version}`,
    `${network.name}: ${(own.parameters / 1e6).toFixed(2)} M parameters, batch ${batch}; medians of ${steps} steps, turn and turn about`,
    "",
    ...table([head, ...rows]),
    "",
  ].join("\n"),
);
