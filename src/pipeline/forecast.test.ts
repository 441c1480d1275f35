import { describe, expect, it } from "vitest";
import { Forecast } from "./forecast.js";

const steps = (count: number) => ({ stage: "base", count });
const decode = (count: number) => ({ stage: "decode", count });

describe("a forecast", () => {
  it("comes from the means of what was measured", () => {
    let time = 0;
    const forecast = new Forecast(() => time);
    expect(forecast.secondsLeft([steps(10), decode(1)])).toBe(0);
    time += 2000;
    forecast.lap("base");
    expect(forecast.secondsLeft([steps(9), decode(1)])).toBe(20);
    time += 1000;
    forecast.lap("base");
    expect(forecast.secondsLeft([steps(8)])).toBe(12);
    time += 5000;
    forecast.lap("decode");
    expect(forecast.secondsLeft([steps(10), decode(2)])).toBe(25);
  });

  it("leaves out what the caller spent", () => {
    let time = 0;
    const forecast = new Forecast(() => time);
    time += 1000;
    forecast.lap("base");
    time += 60_000;
    forecast.resume();
    time += 1000;
    forecast.lap("base");
    expect(forecast.secondsLeft([steps(5)])).toBe(5);
  });
});
