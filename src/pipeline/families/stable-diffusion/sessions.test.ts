import { describe, expect, it } from "vitest";
import type { Session } from "../../../engine/index.js";
import { makeShelf, type NetworkKey } from "./sessions.js";

const words: NetworkKey = { stage: "words", name: "text" };
const unet: NetworkKey = { stage: "drawing", name: "unet" };
const decoder: NetworkKey = { stage: "pixels", name: "decoder" };

/** Sessions that only know whether they are open. */
function makeSource() {
  const open = new Set<string>();
  const log: string[] = [];
  const session = (name: string): Session => {
    open.add(name);
    log.push(name);
    const nothing = async () => ({});
    const close = async () => void open.delete(name);
    return {
      inputs: [],
      outputs: [],
      run: nothing,
      readState: nothing,
      writeState: async () => {},
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  return {
    open,
    log,
    source: { load: async ({ name }: NetworkKey) => session(name), open: async () => session("alone") },
  };
}

describe("a shelf of networks", () => {
  it("holds one stage at a time where that is asked for", async () => {
    const { open, log, source } = makeSource();
    const shelf = makeShelf(source, true);
    for (const key of [words, unet, unet, decoder, unet]) {
      await shelf.use(key, async () => expect([...open]).toEqual([key.name]));
    }
    expect(log).toEqual(["text", "unet", "decoder", "unet"]);
    await shelf.alone(async (program) => {
      expect(open.size).toBe(0);
      await (await program({} as never)).close();
    });
    await shelf.close();
    expect(open.size).toBe(0);
  });

  it("else keeps what it loaded", async () => {
    const { open, log, source } = makeSource();
    const shelf = makeShelf(source, false);
    for (const key of [words, unet, decoder, unet]) await shelf.use(key, async () => {});
    expect(log).toEqual(["text", "unet", "decoder"]);
    expect(open.size).toBe(3);
    await shelf.close();
    expect(open.size).toBe(0);
  });
});
