import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { readPrompt } from "./read-prompt.js";

const read = (...pieces: readonly (Buffer | string)[]) => readPrompt(["-"], Readable.from(pieces));

it("reads standard input for a dash, in UTF-8 or UTF-16, with either line end", async () => {
  expect(await readPrompt(["a", "cat"])).toBe("a cat");
  expect(await read("a c", "at\r\n")).toBe("a cat");
  expect(await read(Buffer.from("\ufeffa 猫\r\n", "utf16le"))).toBe("a 猫");
});

it("refuses what is no text before anything is drawn, and what does not end", async () => {
  await expect(read(Buffer.from([0xff, 0x80]))).rejects.toThrow("prompt: standard input is not UTF-8 text");
  await expect(read("a\0cat")).rejects.toThrow("prompt: standard input holds NUL characters");
  const endless = Readable.from(
    (function* () {
      for (;;) yield "cat ".repeat(10_000);
    })(),
  );
  await expect(readPrompt(["-"], endless)).rejects.toThrow("got more than 1 MiB");
});
