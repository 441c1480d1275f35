// The measure of memorisation against known truth: small denoisers, trained here, of which some have learned five pictures by
// heart.
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Denoiser,
  getDenoiser,
  getFlowSchedule,
  getSampler,
  getStepSchedule,
  guide,
} from "../diffusion/index.js";
import type { Engine, HostTensors, Session } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import {
  add,
  concat,
  linear,
  mean,
  mul,
  type Scope,
  silu,
  square,
  sub,
  type Tensor,
  trace,
} from "../graph/index.js";
import type { Conditioning } from "../pipeline/index.js";
import { random } from "../random/index.js";
import { makeStepProgram, trainSteps } from "../training/index.js";
import { areaUnderCurve, GuidanceMagnitude } from "./guidance-magnitude.js";

const size = 64;
const captions = 25;
/** These have one picture each; all others never show the same picture twice. */
const repeated = 5;
const batch = 64;
const hidden = 192;

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

/** Velocity of noisy pictures [n, size], given time [n, 1] and captions [n, captions]; zeros are no caption. */
function velocity(scope: Scope, x: Tensor, time: Tensor, caption: Tensor): Tensor {
  const layer = (name: string, value: Tensor, from: number, to: number) =>
    linear(
      value,
      scope.parameter(`${name}.weight`, [to, from], { kind: "uniform", bound: 1 / Math.sqrt(from) }),
      scope.parameter(`${name}.bias`, [to]),
    );
  let h = silu(layer("in", concat([x, time, caption], 1), size + 1 + captions, hidden));
  for (const name of ["one", "two"]) h = add(h, silu(layer(name, h, hidden, hidden)));
  return layer("out", h, hidden, size);
}

/** What a caption has in common, and what differs from picture to picture. */
const centre = (caption: number) =>
  random(1, "centre", caption)
    .normals(size)
    .map((v) => v * 0.5);
const vary = (caption: number, name: number) => {
  const own = random(2, "picture", caption, name).normals(size);
  return centre(caption).map((value, i) => value + 0.8 * own[i]!);
};
const picture = (caption: number, fresh: number, single: number) =>
  vary(caption, caption < single ? 0 : 1 + fresh);

function makeBatch(step: number, single: number): HostTensors {
  const numbers = random(3, "batch", step);
  const [clean, text, time] = [
    new Float32Array(batch * size),
    new Float32Array(batch * captions),
    new Float32Array(batch),
  ];
  for (let i = 0; i < batch; i++) {
    const caption = numbers.integer(captions);
    clean.set(picture(caption, step * batch + i, single), i * size);
    if (numbers.uniform() > 0.15) text[i * captions + caption] = 1;
    time[i] = numbers.uniform();
  }
  const tensor = (shape: number[], data: Float32Array) => ({ dtype: "f32" as const, shape, data });
  return {
    clean: tensor([batch, size], clean),
    noise: tensor([batch, size], numbers.normals(batch * size)),
    time: tensor([batch, 1], time),
    caption: tensor([batch, captions], text),
  };
}

/** Trains a denoiser. @param single The number of captions that have one picture each. */
async function learn(single: number, steps: number): Promise<Session> {
  const optimizer = {
    kind: "adamw",
    betas: [0.9, 0.99],
    momentum: 0.95,
    weightDecay: 0,
    gradientClipping: 1,
  } as const;
  const program = makeStepProgram((tracer) => {
    const input = (name: string, width: number) => tracer.input(name, [batch, width]);
    const [clean, noise, time] = [input("clean", size), input("noise", size), input("time", 1)];
    const x = add(mul(clean, sub(1, time)), mul(noise, time));
    const predicted = velocity(tracer.scope(), x, time, input("caption", captions));
    return { loss: mean(square(sub(predicted, sub(noise, clean)))) };
  }, optimizer);
  const schedule = {
    steps,
    learningRate: 0.005,
    warmupSteps: 10,
    decaySteps: steps / 2,
    emaDecay: 0.98,
    emaInterval: 1,
  };
  const { averages } = await trainSteps(engine, program, {
    seed: 1,
    optimizer,
    schedule,
    batch: (step: number) => makeBatch(step, single),
  });
  const drawn = trace((tracer) => {
    const input = (name: string, width: number) => tracer.input(name, ["batch", width]);
    return {
      velocity: velocity(tracer.scope(), input("x", size), input("time", 1), input("caption", captions)),
    };
  });
  const weights = Object.fromEntries(drawn.parameters.map(({ name }) => [name, averages[name]!]));
  const session = await engine.load(drawn);
  const run: Session["run"] = (inputs) => session.run({ ...weights, ...inputs });
  return { ...session, run, inputs: session.inputs, outputs: session.outputs };
}

/** Draws a caption with guidance, and measures its pull. */
async function draw(session: Pick<Session, "run">, caption: number, seed: number) {
  const schedule = getFlowSchedule({ shift: 1 });
  const sigmas = getStepSchedule("simple").getSigmas(12, schedule);
  const network = async (x: Float32Array, time: number, conditions: readonly Conditioning[]) => {
    const rows = conditions.length;
    const text = new Float32Array(rows * captions);
    conditions.forEach((condition, row) => {
      if (condition === "cond") text[row * captions + caption] = 1;
    });
    const f32 = (width: number, data: Float32Array) => ({
      dtype: "f32" as const,
      shape: [rows, width],
      data,
    });
    const times = new Float32Array(rows).fill(time);
    const outputs = await session.run({ x: f32(size, x), time: f32(1, times), caption: f32(captions, text) });
    return outputs.velocity!.data as Float32Array;
  };
  const pull = new GuidanceMagnitude();
  const plain = getDenoiser<Conditioning>("flow", network, schedule);
  const observed: Denoiser<Conditioning> = async (x, sigma, conditions, signal) => {
    const all = await plain(x, sigma, conditions, signal);
    const row = (name: Conditioning) => {
      const at = conditions.indexOf(name);
      return at < 0 ? undefined : all.slice(at * size, (at + 1) * size);
    };
    const [cond, uncond] = [row("cond")!, row("uncond")];
    pull.add({ stage: "base", sigma, x, denoised: { cond, ...(uncond && { uncond }) } });
    return all;
  };
  const guided = guide<Conditioning>(observed, {
    scale: 1.5,
    rescale: 0,
    uncond: ["uncond"],
  });
  let x: Float32Array = random(seed, "noise")
    .normals(size)
    .map((value) => value * sigmas[0]!);
  for await (const state of getSampler("euler").sample(guided, x, sigmas, { condition: ["cond"] }))
    x = state.x;
  return { x, pull };
}

/** Decibels of the pictures' range, which is about 4. */
const psnr = (a: Float32Array, b: Float32Array) =>
  10 * Math.log10(16 / (a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / size));

interface Drawn {
  readonly caption: number;
  readonly x: Float32Array;
  readonly pull: GuidanceMagnitude;
}

async function drawAll(session: Pick<Session, "run">): Promise<readonly Drawn[]> {
  const drawn: Drawn[] = [];
  for (let caption = 0; caption < captions; caption++)
    for (let seed = 0; seed < 2; seed++) drawn.push({ caption, ...(await draw(session, caption, seed)) });
  return drawn;
}

it("tells pictures that were learned by heart from ordinary ones", { timeout: 300_000 }, async () => {
  const drawn = await drawAll(await learn(repeated, 1000));
  const copied = drawn.filter(({ caption }) => caption < repeated);
  const ordinary = drawn.filter(({ caption }) => caption >= repeated);
  // The five pictures come back, and no other training picture does.
  const nearest = ({ caption, x }: Drawn) =>
    Math.max(...Array.from({ length: 40 }, (_, fresh) => psnr(x, picture(caption, fresh, repeated))));
  expect(Math.min(...copied.map(nearest))).toBeGreaterThan(20);
  expect(Math.max(...ordinary.map(nearest))).toBeLessThan(17);
  const of = (part: readonly Drawn[], name: "first" | "mean") => part.map(({ pull }) => pull[name]);
  // Measured: 1.00 and 0.98.
  expect(areaUnderCurve(of(copied, "first"), of(ordinary, "first"))).toBeGreaterThan(0.95);
  expect(areaUnderCurve(of(copied, "mean"), of(ordinary, "mean"))).toBeGreaterThan(0.85);
  // So are ordinary prompts of a model that has learned nothing by heart.
  const others = await drawAll(await learn(0, 400));
  expect(areaUnderCurve(of(copied, "first"), of(others, "first"))).toBeGreaterThan(0.95);
  // Among themselves, ordinary prompts differ by chance.
  expect(areaUnderCurve(of(others.slice(0, 20), "first"), of(others.slice(20), "first"))).toBeLessThan(0.8);
});

it("measures the area under the curve by hand", () => {
  expect(areaUnderCurve([3, 4], [1, 2])).toBe(1);
  expect(areaUnderCurve([1, 4], [2, 3])).toBe(0.5);
  expect(areaUnderCurve([2], [2])).toBe(0.5);
});
