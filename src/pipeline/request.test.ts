import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { completeRequest } from "./complete-request.js";
import { type ImageRequest, imageRequestSchema, optionalSettings } from "./image-request.js";
import { completeLoadOptions } from "./load-options.js";

const context = {
  defaults: { steps: 12, guidance: 3, sampler: "euler" },
  sizes: { usual: { width: 256, height: 256 } },
  takes: optionalSettings,
};
const ask = (more: object) => completeRequest({ prompt: "a cat", ...more } as ImageRequest, context);

function refusal(more: object): string {
  try {
    ask(more);
  } catch (error) {
    expect(error).toBeInstanceOf(NishikiError);
    expect((error as NishikiError).code).toBe("usage");
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(more)} was accepted.`);
}

describe("a request", () => {
  it("gets every default from the table or the model", () => {
    expect(ask({ seed: 5 })).toEqual({
      prompt: "a cat",
      negativePrompt: "",
      seed: 5,
      count: 1,
      steps: 12,
      guidance: 3,
      guidanceRescale: 0,
      guidanceInterval: [0, 1],
      sampler: "euler",
      size: { width: 256, height: 256 },
    });
  });

  it("has its settings in one order, however often it is completed", () => {
    const once = ask({ seed: 5, steps: 3, rng: "nishiki" });
    const twice = ask({ ...once });
    expect(JSON.stringify(twice)).toBe(JSON.stringify(once));
    expect(JSON.stringify(ask({ rng: "nishiki", steps: 3, seed: 5 }))).toBe(JSON.stringify(once));
  });

  it("takes 0 for a value and not for 'not given'", () => {
    expect(ask({ seed: 0, guidance: 0 })).toMatchObject({ seed: 0, guidance: 0 });
    expect(ask({ guidance: 1 }).guidance).toBe(1);
  });

  it("draws another seed each time when none is given", () => {
    const seeds = new Set(Array.from({ length: 20 }, () => ask({}).seed));
    expect(seeds.size).toBeGreaterThan(15);
  });

  it("has an eta where its sampler has one", () => {
    expect(ask({ sampler: "DDIM", eta: 0.5 })).toMatchObject({ sampler: "ddim", eta: 0.5 });
    expect(ask({ sampler: "Euler a", eta: 0 })).toMatchObject({ eta: 0 });
    expect(refusal({ sampler: "euler", eta: 0 })).toMatch(
      /^eta: the sampler euler has none; these do: .*ddim/,
    );
    expect(refusal({ sampler: "ddim", eta: 1.5 })).toMatch(/^eta: expected/);
  });

  it("knows samplers by their aliases and keeps their own names", () => {
    expect(ask({ sampler: "DPM++ 2M" }).sampler).toBe("dpmpp-2m");
    expect(ask({ sampler: "Euler a" }).sampler).toBe("euler-ancestral");
  });

  it("takes the step schedule that a sampler's name says, unless another is asked for", () => {
    const asked = (more: object) => {
      const { sampler, schedule } = ask(more);
      return [sampler, schedule];
    };
    expect(asked({ sampler: "DPM++ 2M Karras" })).toEqual(["dpmpp-2m", "karras"]);
    expect(asked({ sampler: "DPM++ 2M Karras", schedule: "Karras" })).toEqual(["dpmpp-2m", "karras"]);
    expect(asked({ sampler: "EulerAncestralDiscreteScheduler" })).toEqual(["euler-ancestral", undefined]);
    expect(refusal({ sampler: "DPM++ 2M Karras", schedule: "beta" })).toBe(
      'schedule: expected karras, which the sampler name "DPM++ 2M Karras" implies, got beta.',
    );
    expect(refusal({ sampler: "DPM++ 2M Cubic" })).toMatch(
      /^sampler: unknown sampler "DPM\+\+ 2M Cubic"\. Choose one of: /,
    );
  });

  it("reads sizes and intervals as texts", () => {
    expect(ask({ size: "256" }).size).toEqual({ width: 256, height: 256 });
    expect(ask({ size: { width: 256, height: 256 } }).size).toEqual(ask({ size: "256X256" }).size);
    expect(ask({ guidanceInterval: "0.1,0.6" }).guidanceInterval).toEqual([0.1, 0.6]);
  });

  it.each([
    [{ prompt: "" }, /^prompt: expected text that is not empty, got ""\.$/],
    [{ prompt: "  \n" }, /^prompt: expected text that is not empty/],
    [{ prompt: undefined }, /^prompt: expected text that is not empty, got nothing\.$/],
    [{ prompt: 7 }, /^prompt: expected text/],
    [{ prompt: "a\0cat" }, /^prompt: expected text without NUL characters .*, got "a\\u0000cat"\.$/],
    [{ prompt: "a \ud83d" }, /^prompt: expected text without .*halves of characters/],
    [{ prompt: "cat ".repeat(25_001) }, /^prompt: expected at most 100000 characters, got 100004\.$/],
    [{ negativePrompt: "\0" }, /^negativePrompt: expected text without NUL/],
    [{ negativePrompt: null }, /^negativePrompt: expected text, got null\.$/],
    [{ seed: -1 }, /^seed: expected a whole number from 0.*got -1\.$/],
    [{ seed: 1.5 }, /^seed: /],
    [{ seed: "5" }, /^seed: .*got "5"\.$/],
    [{ seed: 2 ** 53 }, /^seed: /],
    [{ seed: 2 ** 53 - 1, count: 2 }, /^seed: /],
    [{ count: 0 }, /^count: /],
    [{ steps: 0 }, /^steps: expected a whole number from 1 to 1000, got 0\.$/],
    [{ steps: Number.POSITIVE_INFINITY }, /^steps: .*got Infinity\.$/],
    [{ guidance: Number.NaN }, /^guidance: expected a number from 0 to 100, got NaN\.$/],
    [{ guidance: -1 }, /^guidance: /],
    [{ guidanceRescale: 1.1 }, /^guidanceRescale: /],
    [{ guidanceInterval: [0.5, 0.5] }, /^guidanceInterval: /],
    [{ guidanceInterval: "x" }, /^guidanceInterval: .*got "x"\.$/],
    [{ sampler: "magic" }, /^sampler: unknown sampler "magic"\. Choose one of: euler, /],
    [{ size: "512x512" }, /^size: this model only draws 256x256 pixels, got 512x512\.$/],
    [{ size: "big" }, /^size: expected width x height/],
    [{ step: 5 }, /^unknown setting "step"; did you mean "steps"\?$/],
    [{ negative: "x" }, /^unknown setting "negative": its name is now "negativePrompt"\.$/],
    [{ seed: 2 ** 53 }, /^seed: expected a whole number from 0 to 9007199254740991 /],
    [{ steps: 0, count: 0, sise: "1" }, /^(.*\n){2}.*$/],
  ])("refuses %j in one sentence", (more, message) => {
    expect(refusal(more)).toMatch(message);
  });

  it("is complete again when completed twice", () => {
    const once = ask({ seed: 1, sampler: "heun", guidanceInterval: "0,0.5" });
    expect(completeRequest(once, context)).toEqual(once);
  });

  it("accepts or refuses, and never changes a number, whatever it is given", () => {
    const names = Object.keys(imageRequestSchema.shape).filter((name) => name !== "prompt");
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.anything(), (name, value) => {
        try {
          const settings = ask({ [name]: value }) as unknown as Record<string, unknown>;
          if (typeof value === "number") expect(settings[name]).toBe(value);
        } catch (error) {
          expect(error).toBeInstanceOf(NishikiError);
          expect((error as NishikiError).code).toBe("usage");
          expect((error as Error).message).not.toContain("\n    at ");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("load options", () => {
  it("is the embedded model on any device by default", () => {
    expect(completeLoadOptions({})).toEqual({ device: "auto" });
  });
  it("refuses unknown devices and impossible threads", () => {
    expect(() => completeLoadOptions({ device: "gpu" as "cpu" })).toThrow(
      /^device: expected one of auto, cpu/,
    );
    expect(() => completeLoadOptions({ threads: 0 })).toThrow(/^threads: expected a whole number from 1/);
  });
});

describe("image prompts", () => {
  const image = { width: 1, height: 2, channels: 3 as const, data: new Uint8Array(6) };
  const context = {
    defaults: { steps: 4, guidance: 1, sampler: "euler" },
    sizes: { usual: { width: 8, height: 8 } },
    takes: ["imagePrompt" as const, "styleReference" as const],
  };

  it("may stand in the place of a text", () => {
    expect(completeRequest({ prompt: "", imagePrompt: { images: [image] } }, context).prompt).toBe("");
    expect(() => completeRequest({ prompt: "", styleReference: { images: [image] } }, context)).toThrow(
      "prompt: expected text that is not empty",
    );
  });

  it.each([
    [{ imagePrompt: { images: [image], weights: [1, 2] } }, "imagePrompt.weights: expected one weight"],
    [
      { imagePrompt: { images: [image], texts: ["a", "b"], textWeights: [1] } },
      "imagePrompt.textWeights: expected 2 weights, got 1.",
    ],
    [{ imagePrompt: { images: [image], textWeights: [1] } }, "imagePrompt.textWeights: expected 0 weights"],
    [{ styleReference: { images: [] } }, "styleReference.images: expected a list of 1 to 16"],
    [{ layoutReference: { images: [image] } }, "layoutReference: this model does not support this setting"],
    [
      { imagePrompt: { images: [image], noiseLevel: 1000 } },
      "imagePrompt.noiseLevel: expected a whole number",
    ],
  ])("are checked (%#)", (more, message) => {
    expect(() => completeRequest({ prompt: "a", ...more }, context)).toThrow(message);
  });
});
