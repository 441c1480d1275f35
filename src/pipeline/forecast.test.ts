import { describe, expect, it } from "vitest";
import { Forecast } from "./forecast.js";

describe("a forecast", () => {
  it("comes from the means of what was measured", () => {
    let time = 0;
    const forecast = new Forecast(() => time);
    expect(forecast.secondsLeft(10, 1)).toBe(0);
    time += 2000;
    forecast.step();
    expect(forecast.secondsLeft(9, 1)).toBe(20);
    time += 1000;
    forecast.step();
    expect(forecast.secondsLeft(8, 0)).toBe(12);
    time += 5000;
    forecast.picture();
    expect(forecast.secondsLeft(10, 2)).toBe(25);
  });

  it("leaves out what the caller spent", () => {
    let time = 0;
    const forecast = new Forecast(() => time);
    time += 1000;
    forecast.step();
    time += 60_000;
    forecast.resume();
    time += 1000;
    forecast.step();
    expect(forecast.secondsLeft(5, 0)).toBe(5);
  });
});
