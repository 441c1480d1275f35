import { describe, expect, it } from "vitest";
import type { Session } from "../engine/index.js";
import { getBudget, type Network, SessionPool } from "./session-pool.js";

/** Sessions that only know whether they are open. */
function makeNetworks() {
  const open = new Set<string>();
  const log: string[] = [];
  const session = (name: string): Session => {
    open.add(name);
    log.push(name);
    const nothing = async () => ({});
    const close = async () => void open.delete(name);
    const state = { readState: nothing, writeState: async () => {} };
    return { inputs: [], outputs: [], run: nothing, ...state, close, [Symbol.asyncDispose]: close };
  };
  const network = (part: string, group: Network["group"], bytes: number, more: Partial<Network> = {}) => ({
    key: { part },
    group,
    title: part,
    bytes,
    load: async () => session(part),
    ...more,
  });
  return { open, log, network };
}

const nothing = async () => {};

describe("a pool of sessions", () => {
  it("frees other groups where its budget does not hold them, the least recently used first", async () => {
    const { open, log, network } = makeNetworks();
    const sessions = new SessionPool({ budget: 100 }).forModel();
    const text = network("text", "text", 30);
    const denoiser = network("denoiser", "denoise", 60);
    const decoder = network("decoder", "decode", 30);
    await sessions.use(text, nothing);
    await sessions.use(denoiser, nothing);
    await sessions.use(text, nothing);
    expect([...open]).toEqual(["text", "denoiser"]);
    await sessions.use(decoder, nothing);
    expect([...open].sort()).toEqual(["decoder", "text"]);
    expect(log).toEqual(["text", "denoiser", "decoder"]);
    await sessions.close();
    expect(open.size).toBe(0);
  });

  it("keeps networks of one group together, whatever they need", async () => {
    const { open, network } = makeNetworks();
    const sessions = new SessionPool({ budget: 0 }).forModel();
    const whole = network("whole", "denoise", 60);
    const shallow = network("shallow", "denoise", 50);
    for (const one of [whole, shallow, whole]) await sessions.use(one, nothing);
    expect([...open].sort()).toEqual(["shallow", "whole"]);
    await sessions.exclusive(async () => expect(open.size).toBe(0));
  });

  it("holds no more sessions of a group than its limit", async () => {
    const { open, network } = makeNetworks();
    const sessions = new SessionPool().forModel();
    for (const size of [1, 2, 3, 4])
      await sessions.use(network(`tile ${size}`, "enlarge", 1, { groupLimit: 2 }), nothing);
    expect([...open]).toEqual(["tile 3", "tile 4"]);
  });

  it("frees nothing that is at work", async () => {
    const { open, network } = makeNetworks();
    const sessions = new SessionPool({ budget: 0 }).forModel();
    let finish = () => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = sessions.use(network("denoiser", "denoise", 1), () => busy);
    const second = sessions.use(network("decoder", "decode", 1), async () => [...open]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...open]).toEqual(["denoiser"]);
    finish();
    await first;
    expect(await second).toEqual(["decoder"]);
  });

  it("tries again after a load that failed, and tells models apart", async () => {
    const { log, network } = makeNetworks();
    const pool = new SessionPool();
    const [one, other] = [pool.forModel(), pool.forModel()];
    let tries = 0;
    const good = network("denoiser", "denoise", 1);
    const load = async () => {
      if (++tries === 1) throw new Error("no memory");
      return good.load();
    };
    await expect(one.use({ ...good, load }, nothing)).rejects.toThrow("no memory");
    await one.use({ ...good, load }, nothing);
    await one.use({ ...good, load }, nothing);
    expect(tries).toBe(2);
    await other.use(good, nothing);
    expect(log).toEqual(["denoiser", "denoiser"]);
    await one.close();
    await other.use(good, nothing);
    expect(log).toHaveLength(2);
  });

  it("loads and runs nothing for a request that was cancelled", async () => {
    const { log, network } = makeNetworks();
    const sessions = new SessionPool().forModel();
    const signal = AbortSignal.abort();
    const use = () => sessions.use(network("denoiser", "denoise", 1), nothing, { signal });
    await expect(use()).rejects.toMatchObject({ code: "aborted" });
    expect(log).toEqual([]);
  });
});

it("budgets follow from the load options and the device", () => {
  expect(getBudget({ lowMemory: true }, "webgpu")).toBe(0);
  expect(getBudget({ keepLoaded: true }, "cpu")).toBe(Number.POSITIVE_INFINITY);
  expect(getBudget({}, "webgpu")).toBe(Number.POSITIVE_INFINITY);
  expect(getBudget({}, "cpu")).toBeLessThan(3e9);
  expect(() => getBudget({ lowMemory: true, keepLoaded: true }, "cpu")).toThrow(
    /^lowMemory and keepLoaded: expected at most one of them, got both\.$/,
  );
});
