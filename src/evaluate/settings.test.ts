import { expect, it } from "vitest";
import { parse } from "../schema/index.js";
import { evaluate } from "./evaluate.js";
import { evaluationSettingsSchema } from "./settings.js";

it("fills in what an evaluation leaves open", () => {
  expect(parse(evaluationSettingsSchema, { output: "x" })).toEqual({
    output: "x",
    prompts: 1104,
    seed: 0,
    sprites: ".data/sprites",
  });
});

it("reports everything that is wrong before anything is loaded", async () => {
  const settings = { output: " ", prompts: 0, sed: 1 } as unknown as Parameters<typeof evaluate>[0];
  await expect(evaluate(settings)).rejects.toMatchObject({
    code: "usage",
    message: [
      'output: expected text that is not empty, got " ".',
      "prompts: expected a whole number from 1 to 1000000, got 0.",
      'unknown setting "sed"; did you mean "seed"?',
    ].join("\n"),
  });
});
