import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv, splitList } from "./csv.js";
import { expandJob } from "./expand.js";
import { applyStyles, mergeStyleFiles, readStyleFile, writeStyleFile } from "./styles.js";
import { countExpansions, expandPrompt, expandWildcards, hasWildcards } from "./wildcards.js";

/** Gives these numbers in turn. */
const sequence = (...numbers: readonly number[]) => {
  let i = 0;
  return () => numbers[i++ % numbers.length]!;
};
const expand = (prompt: string, numbers: readonly number[] = [0], lists = {}) =>
  expandPrompt(prompt, lists, sequence(...numbers)).text;

describe("wildcards", () => {
  it("choose one of several texts", () => {
    expect(expand("a {red|blue} cat", [0])).toBe("a red cat");
    expect(expand("a {red|blue} cat", [0.99])).toBe("a blue cat");
    expect(expand("a {|blue }cat", [0])).toBe("a cat");
  });

  it("choose within choices, by weight, and several at once", () => {
    expect(expand("{a {small|big} dog|a cat}", [0.9, 0])).toBe("a big dog");
    expect(expand("{3::often|rarely}", [0.74])).toBe("often");
    expect(expand("{3::often|rarely}", [0.76])).toBe("rarely");
    expect(expand("{2$$red|green|blue}", [0, 0, 0])).toBe("red, green");
    expect(expand("{0::never|always}", [0])).toBe("always");
  });

  it("take a line of a list, whose line may hold wildcards", () => {
    const lists = { animal: ["cat", "{big|small} dog"], "art/ukiyo-e": ["a woodblock print"] };
    expect(expand("a __animal__", [0.9, 0.9], lists)).toBe("a small dog");
    expect(expand("__art/ukiyo-e__", [0], lists)).toBe("a woodblock print");
    const { text, unknown } = expandPrompt("a __nothing__ cat", lists, () => 0);
    expect([text, unknown]).toEqual(["a __nothing__ cat", ["nothing"]]);
  });

  it("leave everything else alone", () => {
    for (const prompt of ["a cat", "(blue:1.2) [cat]", "{cat}", "snake__case", "a_b__", "{prompt}"]) {
      expect(hasWildcards(prompt)).toBe(false);
      expect(expand(prompt)).toBe(prompt);
    }
    expect(expand("\\{a\\|b\\}")).toBe("{a|b}");
  });

  it("end, even for a list that names itself, and for any text", () => {
    expect(expand("__a__", [0], { a: ["__a__"] })).toBe("__a__");
    expect(expand("__a__", [0], { a: ["__a__ __a__"] }).length).toBeLessThan(1_000_000);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("{", "}", "|", "a", "_", "$", "2", "\\", ":") }),
        (prompt) => {
          expect(typeof expandPrompt(prompt, { a: ["b"] }, Math.random).text).toBe("string");
        },
      ),
    );
  });

  it("are counted", () => {
    expect(countExpansions("a {red|blue} __animal__", { animal: ["cat", "dog", "hen"] })).toBe(6);
    expect(countExpansions("a cat", {})).toBe(1);
  });
});

describe("comma-separated values", () => {
  it("may hold commas, quotes and line ends", () => {
    expect(parseCsv('\uFEFFa,"b, ""c""\nd"\r\n\r\ne,f')).toEqual([
      ["a", 'b, "c"\nd'],
      ["e", "f"],
    ]);
  });

  it("are split as a list", () => {
    expect(splitList('cat, "dog, small",  hen ,')).toEqual(["cat", "dog, small", "hen"]);
    expect(splitList("")).toEqual([]);
  });
});

describe("styles", () => {
  const print = { name: "Print", prompt: "{prompt}, woodblock print", negativePrompt: "photo" };

  it("are added to the prompt, or put around it", () => {
    const texts = { prompt: "a cat", negativePrompt: "" };
    const soft = { name: "Soft", prompt: "soft light", negativePrompt: "harsh" };
    expect(applyStyles(texts, [print, soft])).toEqual({
      prompt: "a cat, woodblock print, soft light",
      negativePrompt: "photo, harsh",
    });
    expect(applyStyles({ prompt: "$& cat", negativePrompt: "" }, [print]).prompt).toBe(
      "$& cat, woodblock print",
    );
  });

  it("are read from webui's styles.csv", () => {
    const csv = 'name,prompt,negative_prompt\nPrint,"{prompt}, woodblock print",photo\nDivider,,\n';
    expect(readStyleFile(csv, "styles.csv")).toEqual({ styles: [print], lists: {} });
    expect(readStyleFile("name,prompt\nOld,ink", "styles.csv")?.styles[0]?.negativePrompt).toBe("");
  });

  it("survive writing and reading", () => {
    const file = { styles: [{ ...print, settings: { steps: 8 } }], lists: { animal: ["cat", "dog"] } };
    expect(readStyleFile(writeStyleFile(file), "styles.json")).toEqual(file);
  });

  it("come with lists from text files", () => {
    expect(readStyleFile("cat\n# not this\n\ndog\n", "animal.txt")).toEqual({
      styles: [],
      lists: { animal: ["cat", "dog"] },
    });
  });

  it("are not read from anything else", () => {
    for (const text of ["", "{", "[]", "null", "[1, null, {}]", "hello"])
      expect(readStyleFile(text, "a.json")).toBeUndefined();
  });

  it("replace those of the same name when merged", () => {
    const changed = { ...print, prompt: "ink" };
    const merged = mergeStyleFiles(
      { styles: [print], lists: {} },
      { styles: [changed], lists: { a: ["b"] } },
    );
    expect(merged).toEqual({ styles: [changed], lists: { a: ["b"] } });
  });
});

describe("what Draw sends", () => {
  const job = { kind: "draw" as const, request: { prompt: "a {red|blue} cat", count: 2, seed: 5, steps: 9 } };

  const never = () => expect.fail("A seed that is there is kept.");

  it("is one job per different prompt, each by its seed as on the command line", () => {
    const lists = { animal: ["cat", "dog", "fox", "owl"] };
    const written = { prompt: "a __animal__", count: 8, seed: 5, steps: 9 };
    const { jobs } = expandJob({ ...job, request: written }, [], lists, never);
    const expected = Array.from({ length: 8 }, (_, i) => ({
      prompt: expandWildcards("a __animal__", lists, 5 + i).text,
      count: 1,
      seed: 5 + i,
      steps: 9,
    }));
    expect(jobs.map(({ request }) => request)).toEqual(expected);
    expect(new Set(expected.map(({ prompt }) => prompt)).size).toBeGreaterThan(1);
  });

  it("has a seed wherever one was drawn for the wildcards, and one job if all texts are the same", () => {
    const one = { ...job, request: { prompt: "a {red} {cat|cat}", count: 2 } };
    expect(expandJob(one, [], {}, () => 7).jobs.map(({ request }) => request)).toEqual([
      { prompt: "a {red} cat", count: 2, seed: 7 },
    ]);
  });

  it("has the styles' texts, and those of their settings that were not chosen", () => {
    const style = {
      name: "Print",
      prompt: "woodblock",
      negativePrompt: "photo",
      settings: { steps: 4, guidance: 3 },
    };
    const plain = { ...job, request: { ...job.request, prompt: "a cat" } };
    expect(expandJob(plain, [style], {}, never).jobs).toEqual([
      {
        kind: "draw",
        request: {
          prompt: "a cat, woodblock",
          negativePrompt: "photo",
          count: 2,
          seed: 5,
          steps: 9,
          guidance: 3,
        },
      },
    ]);
  });

  it("names lists that are not there", () => {
    expect(expandJob({ ...job, request: { prompt: "a __x__" } }, [], {}, () => 1).unknown).toEqual(["x"]);
  });
});
