import { describe, expect, test } from "vitest";
import { NishikiError } from "../errors.js";
import { getBetas, getDiscreteSchedule, getFlowSchedule } from "./noise-schedules.js";

describe("discrete schedules", () => {
  test("the published Stable Diffusion schedule has its well-known ends", () => {
    const schedule = getDiscreteSchedule(getBetas("scaled-linear"));
    expect(schedule.sigmaMin).toBeCloseTo(0.0292, 4);
    expect(schedule.sigmaMax).toBeCloseTo(14.6146, 4);
  });

  test("sigma and alpha belong to the running product of 1 - beta", () => {
    const betas = [0.1, 0.2, 0.3];
    const schedule = getDiscreteSchedule(betas);
    [0.9, 0.72, 0.504].forEach((alphaBar, i) => {
      const sigma = schedule.sigmaAt((i + 1) / 3);
      expect(sigma).toBeCloseTo(Math.sqrt((1 - alphaBar) / alphaBar), 12);
      expect(schedule.alphaOf(sigma)).toBeCloseTo(Math.sqrt(alphaBar), 12);
      expect(schedule.timeOf(sigma)).toBeCloseTo(i, 10);
    });
  });

  test("linear betas keep 4e-5 of the picture's variance (Ho et al. 2020), cosine betas fall as their cosine", () => {
    const sigma = getDiscreteSchedule(getBetas("linear")).sigmaMax;
    expect(1 / (1 + sigma ** 2)).toBeCloseTo(4.04e-5, 7);
    const cosine = getDiscreteSchedule(getBetas("cosine"));
    const bar = (t: number) => Math.cos(((t + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    for (const t of [0.25, 0.5, 0.9]) {
      expect(cosine.alphaOf(cosine.sigmaAt(t)) ** 2).toBeCloseTo(bar(t) / bar(0), 10);
    }
    expect(Math.max(...getBetas("cosine"))).toBe(0.999);
  });

  test("time between two trained times is interpolated in log sigma, and ends at the ends", () => {
    const schedule = getDiscreteSchedule(getBetas("scaled-linear"));
    const [a, b] = [schedule.sigmaAt(0.5), schedule.sigmaAt(0.501)];
    expect(schedule.timeOf(Math.sqrt(a * b))).toBeCloseTo(499.5, 8);
    expect(schedule.timeOf(1e9)).toBe(999);
    expect(schedule.timeOf(1e-9)).toBe(0);
    expect(schedule.timeOf(0)).toBe(0);
  });

  test.each([[[]], [[0.1]], [[0.1, 1]], [[0, 0.1]], [[0.1, Number.NaN]]])("refuses the betas %j", (betas) => {
    expect(() => getDiscreteSchedule(betas)).toThrow(NishikiError);
  });
});

describe("flow schedules", () => {
  test("alpha is 1 - t, alpha·sigma is t, and time goes to the network in its own unit", () => {
    const schedule = getFlowSchedule({ timeScale: 1000 });
    for (const t of [0.001, 0.3, 0.5, 0.97]) {
      const sigma = schedule.sigmaAt(t);
      expect(schedule.alphaOf(sigma)).toBeCloseTo(1 - t, 12);
      expect(schedule.alphaOf(sigma) * sigma).toBeCloseTo(t, 12);
      expect(schedule.timeOf(sigma)).toBeCloseTo(1000 * t, 9);
    }
  });

  test("t = 1 stands for 0.9999, so that sigma is finite", () => {
    const schedule = getFlowSchedule();
    expect(schedule.sigmaMax).toBeCloseTo(9999, 6);
    expect(schedule.timeOf(schedule.sigmaMax)).toBeCloseTo(0.9999, 12);
  });

  test("a shift of 3 takes the middle to 3/4 and leaves the ends (Esser et al. 2024)", () => {
    const schedule = getFlowSchedule({ shift: 3 });
    expect(schedule.timeOf(schedule.sigmaAt(0.5))).toBeCloseTo(0.75, 12);
    expect(schedule.timeOf(schedule.sigmaAt(1))).toBeCloseTo(0.9999, 12);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a shift of %s", (shift) => {
    expect(() => getFlowSchedule({ shift })).toThrow(NishikiError);
  });
});
