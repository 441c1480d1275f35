import { describe, expect, test } from "vitest";
import { NishikiError } from "../errors.js";
import { getBetas, getDiscreteSchedule, getFlowSchedule } from "./noise-schedules.js";
import {
  getExponentialSigmas,
  getKarrasSigmas,
  getSimpleSigmas,
  getStepSchedule,
  getUniformSigmas,
  stepSchedules,
} from "./step-schedules.js";

const noiseSchedules = {
  "scaled-linear": getDiscreteSchedule(getBetas("scaled-linear")),
  linear: getDiscreteSchedule(getBetas("linear")),
  cosine: getDiscreteSchedule(getBetas("cosine")),
  flow: getFlowSchedule(),
  "flow with a shift": getFlowSchedule({ shift: 6 }),
};
const diffusion = noiseSchedules["scaled-linear"];

describe.each(Object.entries(noiseSchedules))("on %s", (_, schedule) => {
  test.each(Object.entries(stepSchedules))(
    "%s falls from the largest sigma to 0 in any number of steps",
    (name, info) => {
      for (const steps of [1, 2, 3, 10, 37, 1000]) {
        const sigmas = info.getSigmas(steps, schedule);
        expect(sigmas.length).toBe(steps + 1);
        // Multiples of a whole number from the cleanest end do not reach the noisiest.
        if (name === "leading") expect(sigmas[0]).toBeLessThanOrEqual(schedule.sigmaMax);
        else expect(sigmas[0]! / schedule.sigmaMax).toBeCloseTo(1, 12);
        expect(sigmas.at(-1)).toBe(0);
        expect(sigmas.every((sigma, i) => i === 0 || sigma < sigmas[i - 1]!)).toBe(true);
      }
    },
  );
});

test("simple is even in time and leaves the last step as long as the others", () => {
  const times = (schedule = diffusion) =>
    getSimpleSigmas(4, schedule)
      .slice(0, 4)
      .map((s) => schedule.timeOf(s));
  expect(times()).toEqual([999, 749, 499, 249].map((t) => expect.closeTo(t, 8)));
  expect(times(getFlowSchedule())).toEqual([0.9999, 0.75, 0.5, 0.25].map((t) => expect.closeTo(t, 10)));
  expect(times(getFlowSchedule({ shift: 3 }))).toEqual(
    [0.9999, 0.9, 0.75, 0.5].map((t) => expect.closeTo(t, 10)),
  );
});

test("uniform is even in time from the noisiest level to the cleanest", () => {
  const times = getUniformSigmas(4, diffusion)
    .slice(0, 4)
    .map((sigma) => diffusion.timeOf(sigma));
  expect(times).toEqual([999, 666, 333, 0].map((t) => expect.closeTo(t, 8)));
});

test("karras is even in the seventh root, exponential in the logarithm", () => {
  const range = { sigmaMin: 0.1, sigmaMax: 10 };
  const roots = getKarrasSigmas(5, range)
    .slice(0, 5)
    .map((sigma) => sigma ** (1 / 7));
  for (let i = 1; i < 4; i++) expect(roots[i - 1]! + roots[i + 1]!).toBeCloseTo(2 * roots[i]!, 12);
  expect(roots[4]! ** 7).toBeCloseTo(0.1, 12);
  expect(getExponentialSigmas(3, range)).toEqual([10, expect.closeTo(1, 12), expect.closeTo(0.1, 12), 0]);
});

test.each([0, -3, 1.5, Number.NaN])("refuses %s steps", (steps) => {
  for (const info of Object.values(stepSchedules))
    expect(() => info.getSigmas(steps, diffusion)).toThrow(NishikiError);
});

test("refuses more steps than there are levels to tell apart", () => {
  expect(() => getSimpleSigmas(5000, getFlowSchedule())).toThrow(/use fewer/);
});

test("names and aliases are found; an unknown name lists the choices", () => {
  expect(getStepSchedule("Karras")).toBe(stepSchedules.karras);
  expect(getStepSchedule("normal")).toBe(stepSchedules.uniform);
  expect(() => getStepSchedule("zigzag")).toThrow(
    /zigzag.*simple, uniform, leading, sgm-uniform, karras, exponential/,
  );
});
