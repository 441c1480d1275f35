// A training run in a process of its own, so that tests can kill it: a matrix is learned through the real loop.
// Usage: node child-run.mjs FOLDER STEPS CHECKPOINT_EVERY. Prints "ready" and the number of every step. Goes on where it was.
import { makeEngine } from "../../dist/engine/node.js";
import { linear, mean, square, sub } from "../../dist/graph/index.js";
import { random } from "../../dist/random/index.js";
import { runTraining } from "../../dist/training/loop.js";

const [folder, steps, checkpointEvery] = process.argv.slice(2);
// Large enough that writing the checkpoint takes a while beside the steps.
const [rows, width] = [4, 160];

const task = {
  objective: (batch) => (tracer) => {
    const x = tracer.input("x", [batch, width]);
    const weight = tracer.scope().parameter("weight", [width, width], { kind: "normal", deviation: 0.1 });
    return { loss: mean(square(sub(linear(x, weight), tracer.input("y", [batch, width])))) };
  },
  batch: async (step) => {
    const numbers = random(5, "batch", step);
    const tensor = () => ({ dtype: "f32", shape: [rows, width], data: numbers.normals(rows * width) });
    return { x: tensor(), y: tensor() };
  },
};

const options = {
  folder,
  seed: 1,
  optimizer: { kind: "muon", betas: [0.9, 0.99], momentum: 0.9, weightDecay: 0.01, gradientClipping: 1 },
  schedule: { steps: Number(steps), learningRate: 0.01, warmupSteps: 10, decaySteps: 10, emaDecay: 0.9 },
  checkpointInterval: Number(checkpointEvery),
  sampleInterval: 1e9,
  batchSize: rows,
  resume: true,
  onStart: () => process.stdout.write("ready\n"),
  onStep: ({ step }) => process.stdout.write(`${step}\n`),
};

const engine = makeEngine({ threads: 1 });
try {
  await runTraining(engine, task, options, JSON.stringify({ width }));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await engine.close();
}
