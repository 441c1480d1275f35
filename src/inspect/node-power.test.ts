import { expect, it } from "vitest";
import { nvidiaSmi, type PowerMeter, powermetrics, startPower } from "./node-power.js";

it("reads watts in what the programs print", () => {
  expect(["68.45", " 312 ", "[N/A]", "[Insufficient Permissions]", ""].map(nvidiaSmi.read)).toEqual([
    ...[68.45, 312, undefined, undefined, undefined],
  ]);
  expect(
    ["CPU Power: 900 mW", "Combined Power (CPU + GPU + ANE): 2150 mW", "GPU Power: 7 mW"].map(
      powermetrics.read,
    ),
  ).toEqual([undefined, 2.15, undefined]);
});

it("sums power up to energy, and measures nothing without the program", async () => {
  const script = 'console.log("header"); setInterval(() => console.log("25"), 5)';
  let heard = 0;
  let wake = () => {};
  const enough = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const meter: PowerMeter = {
    command: process.execPath,
    args: ["-e", script],
    read: (line) => {
      heard += 1;
      if (heard === 4) wake();
      return nvidiaSmi.read(line);
    },
  };
  const start = performance.now();
  const stop = startPower(meter);
  await enough;
  const joules = (await stop())!;
  expect(joules).toBeGreaterThan(0);
  expect(joules).toBeLessThanOrEqual((25 * (performance.now() - start)) / 1000);
  expect(await startPower({ ...meter, command: "no-such-program-here" })()).toBeUndefined();
});
