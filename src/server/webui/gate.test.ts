import { expect, it } from "vitest";
import { makeGate } from "./gate.js";

it("lets so much work run at a time, in order, whatever fails", async () => {
  const gate = makeGate(2);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const work = (i: number) =>
    gate(async () => {
      begun.push(i);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      if (i % 3 === 0) throw new Error(`${i}`);
      return i;
    });
  const ends = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => work(i)));
  expect(most).toBe(2);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(ends.map(({ status }) => status === "fulfilled")).toEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => i % 3 !== 0),
  );
  expect(await gate(async () => "free again")).toBe("free again");
});
