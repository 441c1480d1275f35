import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestContext } from "../../request-context.js";
import { splitComposition } from "../composition.js";
import { type ParameterOptions, parsePromptParameters, readPromptParameters } from "./index.js";

const large: RequestContext = {
  defaults: { steps: 20, guidance: 7, sampler: "euler" },
  sizes: { usual: { width: 1024, height: 1024 }, range: { step: 8, least: 64, most: 4096 } },
  composesPrompts: true,
  takes: ["variation", "seamless", "stopAt", "promptSpread", "cads", "imagePrompt", "styleReference"],
};
const small: RequestContext = {
  defaults: { steps: 20, guidance: 4.5, sampler: "euler" },
  sizes: { usual: { width: 256, height: 256 } },
  takes: ["variation", "fast", "stopAt", "promptSpread", "cads"],
};
const read = (prompt: string, context = large, options: ParameterOptions = {}) =>
  parsePromptParameters(prompt, context, options);
const one = (prompt: string, context = large) => {
  const { requests } = read(prompt, context);
  expect(requests.length).toBe(1);
  return requests[0]!;
};

describe("parameters", () => {
  it.each([
    ["a cat --seed 7 --no grass, trees", { prompt: "a cat", seed: 7, negativePrompt: "grass, trees" }],
    ["a cat —no grass –seed 7", { prompt: "a cat", seed: 7, negativePrompt: "grass" }],
    ["a cat --q .5", { prompt: "a cat", steps: 10 }],
    ["a cat --QUALITY 2", { prompt: "a cat", steps: 40 }],
    ["a cat --tile --raw --style raw", { prompt: "a cat", seamless: true }],
    ["a cat --s 100", { prompt: "a cat" }],
    ["a cat --chaos 100", { prompt: "a cat", promptSpread: 0.6 }],
    ["a cat --c 0 --weird 0 --stop 100", { prompt: "a cat" }],
    ["a cat --weird 1500", { prompt: "a cat", cads: { scale: 0.5, tau1: 0.4 } }],
    ["a cat --stop 40", { prompt: "a cat", stopAt: 0.4 }],
    ["a cat --draft", { prompt: "a cat", steps: 10, size: { width: 768, height: 768 } }],
    ["a cat --draft --q 4 --ar 2:1", { prompt: "a cat", steps: 40, size: { width: 1088, height: 512 } }],
    [
      "a.png b.JPG a cat --iw 2",
      { prompt: "a cat", imagePrompt: { images: ["a.png", "b.JPG"], weights: [1, 1] } },
    ],
    [
      "a.png::3 b.png a cat --iw 1",
      { prompt: "a cat", imagePrompt: { images: ["a.png", "b.png"], weights: [0.75, 0.25] } },
    ],
    [
      "a cat --sref s.webp::3 t.webp::1 --sw 100",
      { prompt: "a cat", styleReference: { images: ["s.webp", "t.webp"], weights: [0.9, 0.3] } },
    ],
    [
      "a cat --sref s.webp --sref t.webp::2",
      { prompt: "a cat", styleReference: { images: ["s.webp", "t.webp"], weights: [0.3333, 0.6667] } },
    ],
    [
      "a cat --sref s.webp --sw 250",
      { prompt: "a cat", styleReference: { images: ["s.webp"], weights: [1.5] } },
    ],
  ])("%s", (prompt, expected) => {
    expect(one(prompt)).toEqual(expected);
  });

  it("chooses sizes of the ratio, with the model's number of pixels", () => {
    for (const [ratio, value] of [
      ["16:9", 16 / 9],
      ["3:2", 1.5],
      ["1:1", 1],
      ["2:3", 2 / 3],
      ["9:16", 9 / 16],
    ] as const) {
      const { width, height } = one(`a cat --ar ${ratio}`).size as { width: number; height: number };
      expect([width % 64, height % 64]).toEqual([0, 0]);
      expect(Math.abs(width / height / value - 1)).toBeLessThan(0.06);
      expect(Math.abs((width * height) / 1024 ** 2 - 1)).toBeLessThan(0.07);
    }
    expect(one("a cat --ar 1:1", small)).toEqual({ prompt: "a cat" });
    expect(() => read("a cat --ar 3:2", small)).toThrow(/draws squares only/);
  });

  it("draws more style with less guidance, and says so", () => {
    const scale = (stylize: number) => one(`a cat --stylize ${stylize}`).guidance!;
    expect(scale(0)).toBeGreaterThan(7);
    expect(scale(400)).toBeLessThan(7);
    expect(scale(1000)).toBeGreaterThan(1);
    expect(read("a cat --s 400").notices[0]).toMatch(/guidance scale of/);
    expect(one("a cat --draft", small)).toEqual({ prompt: "a cat", fast: true });
  });

  it("repeats with seeds of their own", () => {
    expect(read("a cat --r 2", large, { seed: 5, count: 10 }).requests.map(({ seed }) => seed)).toEqual([
      5, 15,
    ]);
    expect(read("a cat --repeat 3 --seed 10").requests.map(({ seed }) => seed)).toEqual([10, 14, 18]);
    expect(read("a cat --r 2").requests).toEqual([{ prompt: "a cat" }, { prompt: "a cat" }]);
  });

  it("ignores what belongs to the service, with one notice, and refuses what has no counterpart", () => {
    expect(read("a cat --relax --stealth --video 1").notices).toEqual([
      "--relax, --stealth, --video belong to Midjourney's service and change nothing here.",
    ]);
    for (const prompt of ["a cat --cref a.png", "a cat --p abc", "a cat --style cute", "a cat --exp 5"])
      expect(() => read(prompt)).toThrow(/no counterpart here/);
    expect(() => read("a cat --seed 1 --chaso 5")).toThrow(/--chaos/);
    expect(() => read("a cat --chaso 5 --seed 1")).toThrow(/--chaos/);
    expect(() => read("a cat --seed x")).toThrow(/whole number/);
    expect(() => read("a cat --q 3")).toThrow(/0.25, 0.5, 1, 2 or 4/);
    expect(() => read("a cat --stop 5")).toThrow(/10 to 100/);
    expect(() => read("a cat --seed 1 on a mat")).toThrow(/stand at the end/);
    expect(() => read("--seed 1")).toThrow(/nothing to draw/);
    const cures = { styleReference: "load an IP-Adapter" };
    expect(() => read("a cat --sref a.png", { ...small, cures })).toThrow(
      /support it; load an IP-Adapter\. Leave/,
    );
    expect(() => read("a.png::1 b.png::-1 a cat")).toThrow(/weights of the images add up/);
    expect(() => read("a cat --sref 1234")).toThrow(/code of Midjourney's/);
    expect(() => read("a cat --sref https://a.b/c.png")).toThrow(/nothing is fetched/);
    expect(() => read("https://a.b/c.png a cat --ar 1:1")).toThrow(/nothing is fetched/);
    expect(() => read("c.png a cat", small)).toThrow(/takes no images as prompts/);
  });

  it("names what looks like a parameter or a weight and is read as words", () => {
    const say = (prompt: string) => {
      const { notices, faults } = readPromptParameters(prompt, large);
      return [...notices, ...faults].join(" ");
    };
    for (const prompt of ["a cat -ar 3:2", "a cat -- seed 7", "a cat--ar 3:2", "a cat -tile"])
      expect(say(prompt)).toMatch(/is read as words; parameters are written as/);
    for (const prompt of ["a cat — asleep", "a cat - no, two", "a well-known cat -5 -x", "ten -- then"])
      expect(say(prompt)).toBe("");
    expect(say("a cat —chaso 5")).toMatch(/"—chaso" is no parameter/);
    expect(say("－－hedgehog, a, –sd=x")).toMatch(/—sd.*--hedgehog" is no parameter/s);
    expect(say("a std::vector")).toMatch(/"std::vector" is read as words/);
    expect(say("::3 a cat")).toMatch(/"::3" is read as words/);
    expect(say("a cat https://a.b/c.png")).toMatch(/nothing is fetched/);
    expect(say("a cat --test --seed 1")).toMatch(/earlier versions/);
    expect(one('a sign "no entry"--seed 1').seed).toBe(1);
    expect(one("a cat,--seed 1")).toEqual({ prompt: "a cat,", seed: 1 });
    expect(one("/imagine prompt: a cat")).toEqual({ prompt: "a cat" });
    expect(one('/imagine prompt: "a cat --seed 1"')).toEqual({ prompt: "a cat", seed: 1 });
  });

  it("reports every fault at once, and what the other parameters do", () => {
    const { faults, parameters } = readPromptParameters("a cat --ar 3:2 --hd --tile --seed 2", small);
    expect(faults).toHaveLength(3);
    expect(parameters.map(({ text, isRefused }) => [text, isRefused])).toEqual([
      ["--ar 3:2", true],
      ["--hd", true],
      ["--tile", true],
      ["--seed 2", false],
    ]);
  });

  it("draws with the models that the user means by --v and --niji", () => {
    const aliases = { "niji 6": "org/anime", "v 7": "org/seven" };
    expect(read("a cat --niji 6", large, { aliases }).model).toBe("org/anime");
    expect(read("a cat --version 7 --v 7", large, { aliases }).model).toBe("org/seven");
    expect(() => read("a cat --v 7 --niji 6", large, { aliases })).toThrow(/second model/);
    expect(() => read("a cat --v 6.1", large, { aliases })).toThrow(/not here/);
    expect(() => read("a cat --v 7")).toThrow(/--v 7: that model is Midjourney's, and not here/);
  });

  it("lets the last of several count, and says so where they differ", () => {
    const { requests, notices } = read("a cat --seed 1 --no fog --seed 2 --no snow");
    expect(requests).toEqual([{ prompt: "a cat", seed: 2, negativePrompt: "fog, snow" }]);
    expect(notices).toEqual(['"--seed 1" is overruled by "--seed 2".']);
    expect(read("a cat --tile --tile").notices).toEqual([]);
  });

  it("says what has no effect on models without guidance", () => {
    const turbo = { ...large, defaults: { ...large.defaults, guidance: 0 } };
    expect(read("a cat --no fog --s 500", turbo).notices).toEqual([
      expect.stringMatching(/--no has no effect/),
      expect.stringMatching(/--stylize has no effect/),
    ]);
  });
});

describe("prose and prompts as they are pasted", () => {
  it.each([
    "a cat -- asleep",
    "a well--known cat",
    "a cat --- b",
    "cat — asleep on a chair",
    "a—seed of doubt",
    'a sign that says "use --ar 16:9"',
    "ein Schild „--ar 16:9“ im Schnee",
    "a cat —no, wait— a dog",
    "a cat —",
    "a cat --",
  ])("leaves %s alone", (prompt) => {
    expect(read(prompt)).toMatchObject({ requests: [{ prompt }], notices: [], hasParameters: false });
  });

  it.each([
    ['"a cat --seed 7"', { prompt: "a cat", seed: 7 }],
    ["“a cat, sleeping --seed 7.”", { prompt: "a cat, sleeping", seed: 7 }],
    ['"a cat" on a mat --seed 7,', { prompt: '"a cat" on a mat', seed: 7 }],
    ["a cat --seed 7 --", { prompt: "a cat", seed: 7 }],
    ["a cat -- a dog --seed=7", { prompt: "a cat -- a dog", seed: 7 }],
    ["a cat — asleep —seed 7", { prompt: "a cat — asleep", seed: 7 }],
    [
      "/imagine prompt: a cat --no dogs, birds, --seed 7",
      { prompt: "a cat", negativePrompt: "dogs, birds", seed: 7 },
    ],
    ["a cat --ar 1.91:1", { prompt: "a cat", size: { width: 1408, height: 768 } }],
    ["猫、夕焼け--seed 7", { prompt: "猫、夕焼け", seed: 7 }],
    ["猫　－－seed　7", { prompt: "猫", seed: 7 }],
    [
      "ein Fuchs im Schnee --no Häuser, Bäume",
      { prompt: "ein Fuchs im Schnee", negativePrompt: "Häuser, Bäume" },
    ],
  ])("%s", (prompt, expected) => {
    expect(one(prompt)).toEqual(expected);
  });

  it("takes long dashes for prose if nothing after them makes sense, and says so", () => {
    for (const prompt of ["a man —style icon— walking", "the lamp —seed of light— glows"])
      expect(read(prompt)).toMatchObject({
        requests: [{ prompt }],
        notices: [expect.stringMatching(/is read as words/)],
        hasParameters: false,
      });
    expect(() => read("a man — old —ar 4:5 —v 5")).toThrow(/--v 5/);
    expect(one("a car —fast and red")).toEqual({ prompt: "a car —fast and red" });
    expect(() => read("a car --fast and red")).toThrow(/at most one word/);
  });

  it("names what looks like a parameter and is none", () => {
    expect(read("a cat --asleep on a mat")).toMatchObject({
      requests: [{ prompt: "a cat --asleep on a mat" }],
      notices: [expect.stringMatching(/"--asleep" is no parameter/)],
      hasParameters: false,
    });
    expect(one("a --weird-looking cat --seed 7")).toEqual({ prompt: "a --weird-looking cat", seed: 7 });
  });
});

describe("weights", () => {
  it.each([
    ["a forest::3 a fox", "a forest :0.75 AND a fox :0.25"],
    ["a forest::2 fog::-1", "a forest :2 AND fog :-1"],
    ["hot:: dog", "hot :0.5 AND dog :0.5"],
    ["A FOREST::1 A FOX::1", "A FOREST :0.5 AND A FOX :0.5"],
    ["a cat::2", "a cat"],
    ["夕焼け::2, 猫::2", "夕焼け :0.5 AND 猫 :0.5"],
  ])("%s", (prompt, expected) => {
    expect(one(prompt)).toEqual({ prompt: expected });
    expect(read(`${prompt} --seed 1`).hasParameters).toBe(true);
  });

  it("refuses a sum that is not above 0, and weights beside AND", () => {
    expect(() => read("a::1 b::-1")).toThrow(/add up to 0/);
    expect(() => read("a::1 b::-2.5 --ar 1:1")).toThrow(/add up to -1.5/);
    expect(() => read("a::1 b AND c")).toThrow(/cannot be combined/);
    expect(() => read("::2")).not.toThrow();
    expect(() => read("a::2 b", small)).toThrow(/reads a prompt as one part/);
  });

  it("are composed by the model even in capitals", () => {
    expect(splitComposition(one("A FOREST::1 A FOX::1").prompt)).toHaveLength(2);
  });
});

it("expands permutations, also nested and in parameters", () => {
  const prompts = (text: string) => read(text).requests.map(({ prompt }) => prompt);
  expect(prompts("a {red, green} {cat, dog}")).toEqual([
    "a red cat",
    "a red dog",
    "a green cat",
    "a green dog",
  ]);
  expect(prompts("a {red, {dark, light} blue} cat")).toEqual([
    "a red cat",
    "a dark blue cat",
    "a light blue cat",
  ]);
  expect(read("a cat --seed {1, 2}").requests.map(({ seed }) => seed)).toEqual([1, 2]);
  expect(prompts("a {red\\, dark} cat")).toEqual(["a {red\\, dark} cat"]);
  expect(prompts("a {red} cat")).toEqual(["a {red} cat"]);
  const many = (count: number) => `a {${Array.from({ length: count }, (_, i) => i).join(",")}} cat`;
  expect(prompts(many(40))).toHaveLength(40);
  expect(() => prompts(many(41))).toThrow(/more than 40/);
  expect(() => prompts("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")).toThrow(/more than 40/);
  expect(() => prompts(`${many(30)} --repeat 2`)).toThrow(/60 drawings/);
  expect(prompts("{赤い、青い}猫")).toEqual(["赤い猫", "青い猫"]);
});

it("reads anything or says why not", () => {
  const text = fc.string({
    unit: fc.constantFrom("-", "—", " ", "a", "s", "1", "{", "}", ",", ":", "no", "seed", "\\"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (prompt) => {
      try {
        expect(read(prompt).requests.length).toBeGreaterThan(0);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("usage");
      }
    }),
  );
});
