// What nobody writes on purpose: random mixtures of words and syntax, and texts that try to take long.
import fc from "fast-check";
import { expect, it } from "vitest";
import { NishikiError } from "../../../errors.js";
import type { RequestContext } from "../../request-context.js";
import { takeLoraTags } from "../lora-tags.js";
import { readPromptParameters } from "./index.js";
import { mostPermutations } from "./permutations.js";
import { parameterNames } from "./table.js";

const context: RequestContext = {
  defaults: { steps: 20, guidance: 7, sampler: "euler" },
  sizes: { usual: { width: 1024, height: 1024 }, range: { step: 8, least: 64, most: 4096 } },
  composesPrompts: true,
  takes: ["variation", "seamless", "stopAt", "promptSpread", "cads", "imagePrompt", "styleReference"],
};

const words =
  'a cat|red fox|well-known|12:30|猫|C++|std::vector|50% off|a,b|(big)|—|- then|-- then|--|AND|and|cat.|a.png|{x}|\\\\{|«text»|"--ar 3:2"|\n|🦊|a::b|::|a ::2|-5|\ud800';
const syntax =
  "(cat:1.3)~[cat:dog:0.4]~[cat:: 0.4]~[a|b]~{red|blue}~{3::a|b}~__animal__~<lora:ink>~<lora:>~<lora:x~a::2~b::-1~d::~::3~{red, blue}~{a, {b\\, c, d}}~{,}~[{a, b}:c:0.5]~AND x :1.4~(a AND b)";
const values =
  "|1|0|-1|7|3:2|.5|1e9|NaN|99999999999999999999|raw|cat|grass, trees|a.png|https://a.b/c.png|1234|--|=7|:7|１|7,|{1, 2}|a::2|0x10|5%|\\\\|{|}";
const token = fc.constantFrom(...words.split("|"), ...syntax.split("~"));
const parameter = fc
  .tuple(
    fc.constantFrom("--", "--", "--", "—", "－－", "-- ", "-", "a--", ",--"),
    fc.constantFrom(...parameterNames, "nope", "chaso", "SEED"),
    fc.constantFrom(" ", "=", ""),
    fc.constantFrom(...values.split("|")),
  )
  .map((parts) => parts.join(""));
const prompt = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 6 }), fc.array(parameter, { maxLength: 4 }))
  .map(([before, after]) => [...before, ...after].join(" "));

/** A parameter's name with two dashes that stands in a text by itself. */
const named = /(?:^|\s)(?:--|－－)([a-z]+)(?=[\s=:]|$)/gi;

it("reads 2,000 random prompts, or says what it did not read", () => {
  const check = (written: string) => {
    let text: string;
    try {
      text = takeLoraTags(written).prompt;
    } catch (error) {
      expect((error as NishikiError).code).toBe("usage");
      return;
    }
    const { requests, notices, faults } = readPromptParameters(text, context, { count: 1 });
    if (faults.length > 0) return;
    expect(requests.length).toBeLessThanOrEqual(mostPermutations);
    const said = notices.join(" ").toLowerCase();
    for (const { prompt: read } of requests) {
      const plain = read.replace(/"[^"]*"|«[^»]*»/g, "");
      for (const [, name] of plain.matchAll(named)) expect(said).toContain(name!.toLowerCase());
      const colons = plain.replace(/\[[^[\]]*\]|\{[^{}]*\}/g, "").match(/\S*::\S*/);
      if (colons) expect(said).toContain("::");
      expect(plain).not.toMatch(/(?<!\\)\{[^{}|\\]*,[^{}|\\]*\}/);
      expect(read).not.toMatch(/<lora/);
    }
  };
  fc.assert(fc.property(prompt, check), { seed: 16, numRuns: 2000 });
});

it.each([
  "{a,b}",
  "{a,",
  "“",
  "«",
  "--ar 3:2 ",
  "—ar ",
  "::",
  "a:: ",
  "[a:",
  "(",
  " ",
  "\n",
  "<lora:",
  "a",
  "--a-",
])("reads thousands of %j without a crash", (part) => {
  const long = part.repeat(Math.ceil(20_000 / part.length));
  const read = () => readPromptParameters(takeLoraTags(long).prompt, context);
  let faults: readonly string[] = [];
  try {
    faults = read().faults;
  } catch (error) {
    expect(error).toBeInstanceOf(NishikiError);
  }
  if (part === "{a,b}") expect(faults.join()).toMatch(/more than 40/);
  if (part === "--ar 3:2 ") expect(faults.join()).toMatch(/at most 200/);
});
