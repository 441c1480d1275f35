// Counting a prompt's tokens without loading weights, as interfaces do while a person writes.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "../src/pipeline/node.js";

const models = fileURLToPath(new URL("./golden/pipelines", import.meta.url));
const count = async (prompt: string) =>
  (await openModel({ model: join(models, "sd1") })).countTokens!(prompt);

describe("countTokens", () => {
  it("counts tokens without the ends of a text", async () => {
    // The golden tokenizer has few merges: "cat" is one token, with the mark that a word ends.
    const one = await count("cat");
    expect(one).toMatchObject({ parts: 1, room: 75 });
    expect((await count("cat cat cat")).tokens).toBe(3 * one.tokens);
    expect(await count("")).toMatchObject({ tokens: 0, parts: 1 });
  });

  it("does not count weights and brackets", async () => {
    expect((await count("a (blue:1.3) [cat]")).tokens).toBe((await count("a blue cat")).tokens);
  });

  it("goes on in further parts where a text is full, and after BREAK", async () => {
    const { tokens, room } = await count("cat");
    const fit = Math.floor(room / tokens);
    expect((await count(Array(fit).fill("cat").join(" "))).parts).toBe(1);
    expect(
      (
        await count(
          Array(fit + 1)
            .fill("cat")
            .join(" "),
        )
      ).parts,
    ).toBe(2);
    expect((await count("a cat BREAK a dog")).parts).toBe(2);
  });

  it("is not there for models that do not read a text token by token", async () => {
    expect((await openModel()).countTokens).toBeUndefined();
  });
});
