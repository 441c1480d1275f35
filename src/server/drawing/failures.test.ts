import { describe, expect, it } from "vitest";
import { NishikiError } from "../../errors.js";
import { findSmallerSize } from "../../pipeline/index.js";
import { DrawingProcessError, makeJobError } from "./failures.js";

const sizes = {
  usual: { width: 512, height: 512 },
  range: { step: 8, least: 256, most: 2048 },
};
const context = { defaults: { steps: 20, guidance: 7, sampler: "euler" }, sizes, takes: [] };
const job = (width: number, height: number) => ({ request: { size: { width, height } }, load: {}, context });

describe("makeJobError", () => {
  const memory = new NishikiError(
    "memory",
    "Not enough memory. (Gather_47 Status Message: bfc_arena.cc:360)",
  );

  it("offers a smaller size for a lack of memory", () => {
    expect(makeJobError(memory, job(1024, 1024))).toEqual({
      code: "memory",
      message: "Not enough memory.",
      hint: "Choose a smaller size, such as 512x512.",
      change: { size: "512x512" },
    });
  });

  it("offers int8 where no smaller size is left, and other programs where that is used already", () => {
    const small = { ...job(256, 256), loadOptions: ["lora", "precision"] };
    expect(makeJobError(memory, small).change).toEqual({ precision: "int8" });
    const int8 = makeJobError(memory, { ...small, load: { precision: "int8" } });
    expect(int8).toMatchObject({ change: null, hint: expect.stringContaining("Close other programs") });
  });

  it("takes a killed process for a lack of memory, and a crashed one not", () => {
    expect(makeJobError(new DrawingProcessError(null, "SIGKILL"), job(1024, 1024))).toMatchObject({
      code: "device",
      message: "The process that draws ended: it was killed, most likely because memory ran out.",
      change: { size: "512x512" },
    });
    expect(makeJobError(new DrawingProcessError(null, "SIGSEGV"), job(1024, 1024)).change).toBeNull();
    expect(makeJobError(new DrawingProcessError(3, null), job(1024, 1024)).message).toContain("code 3");
  });

  it("calls an error of another kind a fault of this program", () => {
    const error = makeJobError(new TypeError("x is not a function"), job(512, 512));
    expect(error).toMatchObject({ code: "internal", message: expect.stringContaining("fault of Nishiki") });
  });
});

describe("findSmallerSize", () => {
  it("keeps the shape, the steps and the least side", () => {
    expect(findSmallerSize({ width: 1024, height: 512 }, sizes)).toEqual({ width: 720, height: 360 });
    expect(findSmallerSize({ width: 512, height: 512 }, sizes)).toEqual({ width: 360, height: 360 });
    expect(findSmallerSize({ width: 320, height: 320 }, sizes)).toBeUndefined();
  });

  it("goes down the sizes of a model that draws only some", () => {
    const few = {
      usual: { width: 256, height: 256 },
      enlarging: { factors: [2, 4], ways: ["lanczos" as const] },
    };
    expect(findSmallerSize({ width: 1024, height: 1024 }, few)).toEqual({ width: 512, height: 512 });
    expect(findSmallerSize({ width: 512, height: 512 }, few)).toEqual({ width: 256, height: 256 });
    expect(findSmallerSize({ width: 256, height: 256 }, few)).toBeUndefined();
  });
});
