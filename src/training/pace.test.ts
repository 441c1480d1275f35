import { describe, expect, it } from "vitest";
import { smooth } from "./loss-plot.js";
import { Pace } from "./pace.js";

const report = (step: number, loss: number, seconds: number) => ({
  step,
  steps: 100,
  metrics: { loss },
  learningRate: 1,
  seconds,
  samples: 0,
});

describe("Pace", () => {
  it("tells rate, loss and time left of a steady run from its first step on", () => {
    const pace = new Pace(8);
    for (let step = 1; step <= 40; step++) {
      pace.add(report(step, 0.5, 0.25));
      expect([pace.loss, pace.samplesPerSecond, pace.secondsLeft]).toEqual([
        expect.closeTo(0.5),
        expect.closeTo(32),
        expect.closeTo((100 - step) / 4),
      ]);
    }
  });

  it("follows changes: after fifteen steps they count half", () => {
    const pace = new Pace(1);
    for (let step = 1; step <= 500; step++) pace.add(report(step, 1, 1));
    for (let step = 501; step <= 515; step++) pace.add(report(step, 3, 3));
    expect(pace.loss).toBeCloseTo(2);
    expect(pace.samplesPerSecond).toBeCloseTo(0.5);
  });
});

describe("smooth", () => {
  it("begins at the first value and follows the others", () => {
    expect(smooth([4, 4, 4], 2)).toEqual([4, 4, 4].map((value) => expect.closeTo(value)));
    const step = smooth([...new Array(50).fill(0), ...new Array(5).fill(1)], 5);
    expect(step[49]).toBe(0);
    expect(step[54]).toBeCloseTo(0.5, 2);
  });
});
