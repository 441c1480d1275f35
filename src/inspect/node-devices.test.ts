import { expect, it } from "vitest";
import { compareDevices, listDevices } from "./node-devices.js";

it("draws the same bytes with one thread as with two, and says of other devices whether they are there", async () => {
  const request = { prompt: "a cat", seed: 2, steps: 2 };
  const devices = await compareDevices(request, { device: "cpu", threads: 2 }, "cpu");
  expect(devices[0]).toMatchObject({ name: "cpu", threads: 2, state: "used" });
  expect(devices[1]).toMatchObject({ name: "cpu", threads: 1, state: "drawn", psnr: 99, mostDifferent: 0 });
  expect(devices.slice(2).map(({ name }) => name)).toEqual(
    listDevices("cpu")
      .slice(1)
      .map(({ name }) => name),
  );
  for (const { state, reason, psnr } of devices.slice(2)) {
    if (state === "absent") expect(reason).toMatch(/^This machine has no /);
    // Another device rounds otherwise.
    else expect(psnr).toBeGreaterThan(25);
  }
});
