// Classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv:1610.06545): trains a small network to
// distinguish generated images from composed scenes, and tests it on unseen captions. It notices what the
// classifier of contents ignores, such as outlines. It sees crops, so that it learns how things are drawn and
// not which things there are.
import type { Engine, HostTensors, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import {
  add,
  concat,
  foldPixels,
  gatherElements,
  layerNorm,
  logSoftmax,
  max,
  mean as meanOver,
  neg,
  reshape,
  type Scope,
  silu,
  type Tensor,
  trace,
} from "../graph/index.js";
import { pixelsFromBytes } from "../models/index.js";
import { convLast, dense } from "../nn/index.js";
import { random } from "../random/index.js";
import { makeStepProgram, type OptimizerConfig, trainSteps } from "../training/index.js";
import { wilson } from "./statistics.js";

export interface RealOrDrawn {
  /** Accuracy on unseen captions: 0.5 if generated images are indistinguishable. */
  readonly accuracy: number;
  readonly interval: readonly [low: number, high: number];
  /** Pairs of a composed scene and a generated image: `trained` for training, `asked` for testing. */
  readonly trained: number;
  readonly asked: number;
}

/** A composed scene and an image generated for the same content, `[size, size, 3]` bytes each. */
export interface Pair {
  readonly caption: string;
  readonly composed: Uint8Array;
  readonly drawn: Uint8Array;
}

export interface RealOrDrawnOptions {
  readonly engine: Engine;
  readonly size: number;
  readonly seed: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** Side of the crops; pairs per training step. */
const part = 128;
const pairsPerStep = 12;
const optimizer: OptimizerConfig = {
  kind: "muon",
  betas: [0.9, 0.99],
  momentum: 0.95,
  weightDecay: 0.02,
  gradientClipping: 1,
};

function block(scope: Scope, x: Tensor): Tensor {
  const width = x.shape.at(-1) as number;
  const hidden = silu(convLast(scope.child("conv"), layerNorm(x), width));
  return add(x, dense(scope.child("out"), hidden, width, { init: { kind: "zeros" } }));
}

/** Logits `[batch, 2]` (composed, drawn) of parts `[batch, 128, 128, 3]` in [-1, 1]. */
function tellApart(scope: Scope, pixels: Tensor): Tensor {
  let x = dense(scope.child("stem"), foldPixels(pixels, 4), 48);
  x = block(scope.child("high"), x);
  x = dense(scope.child("shrink.0"), foldPixels(x, 2), 80);
  x = block(scope.child("middle"), x);
  x = dense(scope.child("shrink.1"), foldPixels(x, 2), 112);
  x = layerNorm(block(scope.child("low"), x));
  const [batch, height, width, channels] = x.shape as [number | string, number, number, number];
  const cells = reshape(x, [batch, height * width, channels]);
  const seen = concat([meanOver(cells, 1), max(cells, 1)], -1);
  return dense(scope.child("answer"), seen, 2, { init: { kind: "zeros" } });
}

const inputs = (batch: number, pixels: Uint8Array): HostTensors => ({
  pixels: { dtype: "u8", shape: [batch, part, part, 3], data: pixels },
});

/**
 * Trains on two thirds of the captions and tests on the rest.
 * @throws NishikiError "data" for fewer than 12 different captions, "aborted"
 */
export async function measureRealOrDrawn(
  pairs: readonly Pair[],
  options: RealOrDrawnOptions,
): Promise<RealOrDrawn> {
  const { engine, seed, steps = 500 } = options;
  const { training, asked } = splitByCaption(pairs, seed);
  if (training.length < 8 || asked.length < 4) {
    const captions = new Set(pairs.map(({ caption }) => caption)).size;
    throw new NishikiError(
      "data",
      `Comparing with composed scenes needs at least 12 different captions, got ${captions}. Use more prompts.`,
    );
  }
  const rows = 2 * pairsPerStep;
  const program = makeStepProgram((tracer) => {
    const pixels = pixelsFromBytes(tracer.input("pixels", [rows, part, part, 3], "u8"));
    const labels = tracer.input("labels", [rows, 1], "i64");
    const answers = logSoftmax(tellApart(tracer.scope(), pixels));
    return { loss: neg(meanOver(gatherElements(answers, labels, 1))) };
  }, optimizer);
  const schedule = {
    steps,
    learningRate: 4e-3,
    warmupSteps: Math.min(20, steps >> 2),
    decaySteps: steps >> 1,
    emaDecay: 0.98,
  };
  const { averages } = await trainSteps(engine, program, {
    seed,
    optimizer,
    schedule,
    batch: (step) => makeBatch(training, options, step),
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onStep: options.onProgress }),
  });
  const asking = trace((tracer) => ({
    logits: tellApart(
      tracer.scope(),
      pixelsFromBytes(tracer.input("pixels", ["batch", part, part, 3], "u8")),
    ),
  }));
  const session = await engine.load(asking);
  try {
    let right = 0;
    for (const { composed, drawn } of asked) {
      if (!(await looksDrawn(session, averages, composed, options.size))) right++;
      if (await looksDrawn(session, averages, drawn, options.size)) right++;
    }
    const count = 2 * asked.length;
    const [low, high] = wilson(right, count);
    const round = (value: number) => Number(value.toFixed(4));
    return {
      accuracy: round(right / count),
      interval: [round(low), round(high)],
      trained: training.length,
      asked: asked.length,
    };
  } finally {
    await session.close();
  }
}

/** Splits by caption, so that no caption is on both sides. */
function splitByCaption(pairs: readonly Pair[], seed: number) {
  const captions = [...new Set(pairs.map(({ caption }) => caption))];
  const order = captions.map((caption) => ({
    caption,
    at: random(seed, "real or drawn", caption).uniform(),
  }));
  order.sort((a, b) => a.at - b.at);
  const chosen = new Set(order.slice(0, Math.ceil((order.length * 2) / 3)).map(({ caption }) => caption));
  return {
    training: pairs.filter(({ caption }) => chosen.has(caption)),
    asked: pairs.filter(({ caption }) => !chosen.has(caption)),
  };
}

/** Random crops, half of them mirrored. A batch has both images of each pair, so contents give no hint. */
function makeBatch(pairs: readonly Pair[], { size, seed }: RealOrDrawnOptions, step: number): HostTensors {
  const numbers = random(seed, "real or drawn", "batch", step);
  const each = part * part * 3;
  const pixels = new Uint8Array(2 * pairsPerStep * each);
  const labels = new BigInt64Array(2 * pairsPerStep);
  for (let i = 0; i < pairsPerStep; i++) {
    const { composed, drawn } = numbers.pick(pairs);
    for (const [which, image] of [composed, drawn].entries()) {
      const row = 2 * i + which;
      const [x, y] = [numbers.integer(size - part + 1), numbers.integer(size - part + 1)];
      const mirrored = numbers.uniform() < 0.5;
      copyPart(image, size, x, y, mirrored, pixels.subarray(row * each, (row + 1) * each));
      labels[row] = BigInt(which);
    }
  }
  const labelled = { dtype: "i64" as const, shape: [labels.length, 1], data: labels };
  return { ...inputs(2 * pairsPerStep, pixels), labels: labelled };
}

function copyPart(
  image: Uint8Array,
  size: number,
  left: number,
  top: number,
  mirrored: boolean,
  out: Uint8Array,
): void {
  for (let y = 0; y < part; y++) {
    for (let x = 0; x < part; x++) {
      const from = ((top + y) * size + left + (mirrored ? part - 1 - x : x)) * 3;
      for (let channel = 0; channel < 3; channel++)
        out[(y * part + x) * 3 + channel] = image[from + channel]!;
    }
  }
}

/** Averages the logits over nine crops. */
async function looksDrawn(
  session: Session,
  weights: HostTensors,
  image: Uint8Array,
  size: number,
): Promise<boolean> {
  const starts = [0, (size - part) >> 1, size - part];
  const each = part * part * 3;
  const pixels = new Uint8Array(9 * each);
  for (const [row, y] of starts.entries()) {
    for (const [column, x] of starts.entries()) {
      const at = (row * 3 + column) * each;
      copyPart(image, size, x, y, false, pixels.subarray(at, at + each));
    }
  }
  const { logits } = await session.run({ ...weights, ...inputs(9, pixels) });
  const values = logits!.data as Float32Array;
  return values.reduce((sum, value, i) => sum + (i % 2 === 1 ? value : -value), 0) > 0;
}
