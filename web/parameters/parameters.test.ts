import { describe, expect, it } from "vitest";
import type { Addition, DrawJobRequest } from "../api/types.js";
import { loadNamedLoras } from "./loras.js";
import { mayHaveParameters, withoutParameter, withReading } from "./texts.js";

const job = (request: object, more: object = {}) => ({ kind: "draw", request, ...more }) as DrawJobRequest;

it.each(["a cat --ar 3:2", "a cat —no grass", "猫--seed 1", "a {red, blue} cat", "a::2 b", "a.png a cat"])(
  "asks the server about %j",
  (prompt) => expect(mayHaveParameters(prompt)).toBe(true),
);

it.each(["a cat", "a cat - asleep", "a {red|blue} cat", "a well-known cat: asleep", "a cat — asleep"])(
  "does not ask about %j",
  (prompt) => expect(mayHaveParameters(prompt)).toBe(false),
);

it("takes one parameter out of a prompt", () => {
  expect(withoutParameter("a cat --ar 3:2 --seed 7", "--ar 3:2")).toBe("a cat --seed 7");
  expect(withoutParameter("a cat --ar {1:1, 3:2}", "--ar 1:1")).toBeUndefined();
});

it("lets parameters win over settings, and adds up what to avoid", () => {
  const asked = [
    { prompt: "a red cat", seed: 2, negativePrompt: "fog" },
    { prompt: "a blue cat", seed: 2 },
  ];
  const given = job({ prompt: "…", seed: 1, count: 4, negativePrompt: "snow" }, { model: "m" });
  expect(withReading(given, asked)).toEqual([
    job({ prompt: "a red cat", seed: 2, count: 4, negativePrompt: "snow, fog" }, { model: "m" }),
    job({ prompt: "a blue cat", seed: 2, count: 4, negativePrompt: "snow" }, { model: "m" }),
  ]);
});

describe("LoRAs in the prompt", () => {
  const additions = [{ kind: "lora", id: "ink-1", name: "Ink.safetensors" }] as unknown as Addition[];
  it("are loaded by name, and replace the same one beside the prompt", () => {
    const { job: loaded, unknown } = loadNamedLoras(
      job({ prompt: "a fox <lora:ink:0.5>" }, { load: { loras: [{ id: "ink-1", weight: 1 }] } }),
      additions,
    );
    expect(loaded.request.prompt).toBe("a fox");
    expect(loaded.load).toEqual({ loras: [{ id: "ink-1", weight: 0.5 }] });
    expect(unknown).toEqual([]);
    expect(loadNamedLoras(job({ prompt: "a <lora:snow>" }), additions).unknown).toEqual(["snow"]);
  });
});
