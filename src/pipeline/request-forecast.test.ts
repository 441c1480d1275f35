import { expect, it } from "vitest";
import {
  forecastRequest,
  getKind,
  learnSpeed,
  type MachineSpeed,
  RunMeter,
  unknownSpeed,
} from "./request-forecast.js";
import type { NetworkWork } from "./work.js";

const text: NetworkWork = {
  ...{ network: "text encoder", group: "text", parameters: 10, multiplications: 100, evaluations: 1 },
  ...{ weightBytes: 1e9, valueBytes: 1e6 },
};
const denoiser: NetworkWork = {
  ...{
    network: "denoiser",
    group: "denoise",
    parameters: 20,
    multiplications: 1000,
    evaluations: 8,
    rows: 2,
  },
  ...{ weightBytes: 2e9, valueBytes: 5e8 },
};
const second: NetworkWork = { ...denoiser, network: "denoiser, second pass", multiplications: 4000 };
const work = [text, denoiser, second];

const speed: MachineSpeed = {
  networks: {
    [getKind(text)]: { rate: 50, loadSeconds: 1, drawings: 1 },
    [getKind(denoiser)]: { rate: 2000, loadSeconds: 3, drawings: 1 },
  },
  excess: {},
  rest: { [getKind(denoiser)]: { load: 0.5, image: 0.25 } },
};

it("adds up what is known of each network", () => {
  // 100 / 50 + 8 · 1000 / 2000 + 8 · 4000 / 2000 + 0.25
  const image = 2 + 4 + 16 + 0.25;
  const forecast = forecastRequest(work, speed, { budget: 1e9 });
  expect(forecast.secondsPerImage).toBeCloseTo(image, 10);
  expect(forecast.seconds).toBeCloseTo(1 + 3 + 0.5 + image, 10);
  expect(forecast).toMatchObject({ isMeasured: true, multiplications: 100 + 8 * 5000 });
  const many = forecastRequest(work, speed, { budget: 1e9, count: 3, isLoaded: true });
  expect(many.seconds).toBeCloseTo(3 * image, 10);
});

it("holds one group in memory at a time, or all of them where they fit", () => {
  const { bytes: one } = forecastRequest(work, speed, { budget: 1e9 });
  const { bytes: all } = forecastRequest(work, speed, { budget: Number.POSITIVE_INFINITY });
  const { bytes: exact } = forecastRequest(
    work,
    { ...speed, excess: { [getKind(denoiser)]: 1e8 } },
    { budget: 1e9 },
  );
  expect(all - one).toBeCloseTo(1.3e9, -3);
  expect(exact - one).toBeCloseTo(1e8, 0);
});

it("estimates networks that never ran here from the standard program, and says so", () => {
  const slow = forecastRequest(work, { ...unknownSpeed, standardRate: 1e3 }, { budget: 1e9, isLoaded: true });
  const fast = forecastRequest(work, { ...unknownSpeed, standardRate: 1e4 }, { budget: 1e9, isLoaded: true });
  expect(slow.isMeasured).toBe(false);
  expect(slow.seconds / fast.seconds).toBeCloseTo(10, 6);
});

/** A drawing of so many images on a machine of known rates, with previews and a slow first run. */
function measure({ count = 1, rate = 2000, start = 100 } = {}) {
  const meter = new RunMeter();
  let now = start;
  const add = (kind: "run" | "load", network: string, seconds: number) => {
    meter.add({ kind, network, start: now, end: now + seconds });
    now += seconds;
  };
  // Both are loaded beside each other, in three seconds.
  meter.add({ kind: "load", network: "text encoder", start, end: start + 1 });
  meter.add({ kind: "load", network: "denoiser", start, end: start + 3 });
  now += 3 + 0.5; // half a second for small files
  const loaded = now;
  add("run", "text encoder", 2);
  for (let image = 0; image < count; image++) {
    for (let run = 0; run < 8; run++)
      add("run", "denoiser", (2 * 2500) / rate + (image === 0 && run === 0 ? 0.75 : 0));
    now += 0.25;
  }
  return { meter, times: { start, loaded, end: now }, count };
}

it("learns rates, loading and the rest from a drawing, and then forecasts that drawing", () => {
  // The runs of both passes take equally long here, on average.
  const learned = learnSpeed(unknownSpeed, { work: [denoiser, second], budget: 1e9, ...measure() });
  const kind = getKind(denoiser);
  expect(learned.networks[kind]!.rate).toBeCloseTo(2000, 6);
  expect(learned.networks[kind]!.loadSeconds).toBeCloseTo((3 * 3) / 4 + 0.75, 6);
  expect(learned.rest[kind]).toEqual({ load: expect.closeTo(0.5, 6), image: expect.closeTo(0.25, 6) });
  for (const count of [1, 2, 5]) {
    const { seconds } = forecastRequest([denoiser, second], learned, { budget: 1e9, count });
    expect(seconds).toBeCloseTo(9 / 4 + 0.75 + 0.5 + count * (20 + 0.25), 6);
  }
});

it("follows a machine that has become slower, and is not misled by one drawing", () => {
  const learn = (before: MachineSpeed, rate: number) =>
    learnSpeed(before, { work: [denoiser, second], budget: 1e9, ...measure({ rate }) });
  const kind = getKind(denoiser);
  let now = unknownSpeed;
  for (let i = 0; i < 6; i++) now = learn(now, 2000);
  expect(learn(now, 1000).networks[kind]!.rate).toBeGreaterThan(1600);
  for (let i = 0; i < 20; i++) now = learn(now, 1000);
  expect(now.networks[kind]!.rate).toBeCloseTo(1000, -1);
});

it("previews, which evaluate the decoder too, do not count as drawing", () => {
  const decoder: NetworkWork = { network: "decoder", parameters: 5, multiplications: 300, evaluations: 1 };
  const meter = new RunMeter();
  for (let i = 0; i < 10; i++) meter.add({ kind: "run", network: "decoder", start: i, end: i + 0.5 });
  const times = { start: 0, loaded: 0, end: 10 };
  const learned = learnSpeed(unknownSpeed, { work: [decoder], budget: 1e9, meter, times, count: 1 });
  expect(learned.networks[getKind(decoder)]!.rate).toBeCloseTo(600, 6);
});

it("learns how far the measured memory was from the counted", () => {
  const counted = forecastRequest(work, unknownSpeed, { budget: 1e9 }).bytes;
  const peakBytes = counted + 7e7;
  const learned = learnSpeed(unknownSpeed, { work, budget: 1e9, peakBytes, ...measure() });
  expect(forecastRequest(work, learned, { budget: 1e9 }).bytes).toBeCloseTo(peakBytes, -2);
});
