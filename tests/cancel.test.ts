// Cancelling, with real processes and signals and from the library: at any time, within one run of a network.
import { spawn } from "node:child_process";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { loadPipeline, type Pipeline, type PipelineEvent } from "../src/index.js";
import { SessionPool } from "../src/pipeline/index.js";
import { tinyCascadeManifest, writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));
const sd1 = golden("sd1");
let folder: string;
let cascade: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-cancel-"));
  cascade = await writeTinyModel(join(folder, "cascade"), 1, 1, tinyCascadeManifest);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a request until it is over, aborting at an event. */
async function runUntil(
  pipeline: Pipeline,
  request: Parameters<Pipeline["generate"]>[0],
  isTime: (event: PipelineEvent) => boolean,
): Promise<PipelineEvent[]> {
  const controller = new AbortController();
  const events: PipelineEvent[] = [];
  try {
    for await (const event of pipeline.generate(request, { signal: controller.signal })) {
      events.push(event);
      if (isTime(event)) controller.abort();
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "aborted" });
    return events;
  }
  throw new Error("It was not stopped.");
}

describe("a request", () => {
  it("stops while its prompt is encoded, at a step, in super-resolution and before decoding", async () => {
    const pipeline = await loadPipeline({ model: cascade, threads: 1 });
    const request = { prompt: "a cat", steps: 2, size: "512x512", seed: 1 };
    const at = (kind: string, stage: string) => (event: PipelineEvent) =>
      event.kind === kind && "stage" in event && event.stage === stage;
    for (const isTime of [
      at("encode", "prompt"),
      at("step", "base"),
      at("decode", "decode"),
      at("step", "super-resolution"),
    ]) {
      const events = await runUntil(pipeline, request, isTime);
      expect(isTime(events.at(-1)!)).toBe(true);
    }
    const kinds: string[] = [];
    for await (const event of pipeline.generate(request))
      kinds.push("stage" in event ? `${event.kind} ${event.stage}` : event.kind);
    expect(kinds.filter((kind) => !kind.startsWith("load "))).toEqual([
      "encode prompt",
      ...["base", "base"].map((stage) => `step ${stage}`),
      "decode decode",
      ...["super-resolution", "super-resolution"].map((stage) => `step ${stage}`),
      "image",
    ]);
    await pipeline.dispose();
  });

  it("stops while a network of Stable Diffusion is loaded, and the next one loads it", async () => {
    const pipeline = await loadPipeline({ model: sd1, threads: 1, lowMemory: true });
    const request = { prompt: "a cat", steps: 1, seed: 1 };
    const events = await runUntil(
      pipeline,
      request,
      (event) => event.kind === "load" && event.stage === "denoiser",
    );
    expect(events.map(({ kind }) => kind)).not.toContain("step");
    const stages: string[] = [];
    for await (const event of pipeline.generate(request)) if (event.kind === "load") stages.push(event.stage);
    expect(stages).toContain("decoder");
    await pipeline.dispose();
  });

  it.each([
    [
      { model: golden("kandinsky-2-2-decoder"), prior: golden("kandinsky-2-2-prior") },
      ["encode prompt", "load prior", "step prior", "step base", "decode decode"],
    ],
    [{ model: golden("karlo") }, ["encode prompt", "step prior", "step base", "step super-resolution"]],
  ])(
    "of DALL-E 2's design stops in each of its stages, and leaves nothing behind: %j",
    async (load, stops) => {
      const pipeline = await loadPipeline({ ...load, threads: 1, lowMemory: true });
      const request = { prompt: "a cat", steps: 2, prior: { steps: 2 }, seed: 1 };
      const name = (event: PipelineEvent) => ("stage" in event ? `${event.kind} ${event.stage}` : event.kind);
      const draw = async () => {
        for await (const event of pipeline.generate(request)) if (event.kind === "image") return event.pixels;
        return undefined;
      };
      const whole = await draw();
      for (const stop of stops) {
        const events = await runUntil(pipeline, request, (event) => name(event) === stop);
        expect(name(events.at(-1)!)).toBe(stop);
      }
      expect(await draw()).toEqual(whole);
      await pipeline.dispose();
    },
  );

  it("waits for the one before it, says so, and networks are not loaded in turn", async () => {
    const pipeline = await loadPipeline({ model: sd1, threads: 1, lowMemory: true });
    const draw = async (seed: number) => {
      const events: string[] = [];
      for await (const event of pipeline.generate({ prompt: "a cat", steps: 3, seed }))
        events.push("stage" in event ? `${event.kind} ${event.stage}` : event.kind);
      return events;
    };
    const [first, second] = await Promise.all([draw(1), draw(2)]);
    const count = (events: string[], kind: string) => events.filter((event) => event === kind).length;
    expect([count(first!, "wait"), count(second!, "wait")]).toEqual([0, 1]);
    for (const events of [first!, second!]) expect(count(events, "load denoiser")).toBe(1);
    const waiting = runUntil(pipeline, { prompt: "a cat", steps: 3 }, ({ kind }) => kind === "wait");
    const other = draw(3);
    // Whichever of the two came first, the other waited and was either drawn or cancelled.
    await Promise.allSettled([waiting, other]);
    expect((await draw(4)).at(-1)).toBe("image");
    await pipeline.dispose();
  });
});

describe("loading", () => {
  it("stops for a signal, and leaves nothing in a pool that others use", async () => {
    const sessions = new SessionPool();
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const loading = loadPipeline(
      { model: cascade, threads: 1 },
      { signal: controller.signal, onProgress, sessions },
    );
    await expect(loading).rejects.toMatchObject({ code: "aborted" });
    expect(sessions.bytes).toBe(0);
    const pipeline = await loadPipeline({ model: cascade, threads: 1 }, { sessions });
    expect(sessions.bytes).toBeGreaterThan(0);
    await pipeline.dispose();
    expect(sessions.bytes).toBe(0);
  });

  it("succeeds after a network failed to load", async () => {
    const pipeline = await loadPipeline({ model: cascade, threads: 1 });
    const missing = { prompt: "a cat", steps: 1, size: "512x512", seed: 1 };
    const part = join(cascade, "super-resolution.safetensors");
    await rename(part, `${part}.away`);
    const draw = async () => {
      for await (const event of pipeline.generate(missing)) if (event.kind === "image") return event.width;
      return 0;
    };
    await expect(draw()).rejects.toMatchObject({ code: "file" });
    await rename(`${part}.away`, part);
    expect(await draw()).toBe(512);
    await pipeline.dispose();
  });
});

/** Runs a program in a process of its own and signals it when it prints a line. */
function runProgram(code: string, signals: Readonly<Record<string, NodeJS.Signals>>) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let sent = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    for (const [line, signal] of Object.entries(signals)) {
      if (sent.includes(line) || !output.includes(line)) continue;
      sent += line;
      child.kill(signal);
    }
  });
  return new Promise<{ ended: NodeJS.Signals | number | null; output: string }>((resolve) => {
    child.on("close", (exitCode, signal) => resolve({ ended: signal ?? exitCode, output }));
  });
}

const dist = new URL("../dist/", import.meta.url).href;
const imports = `
  import { listenForStop } from "${dist}cli/stop.js";
  import { loadPipeline } from "${dist}index.js";
  import { makeEngine } from "${dist}engine/node.js";
  import { matmul, trace } from "${dist}graph/index.js";
`;

/** A run that takes minutes: nothing may wait for it. */
const longRun = `
  const side = 2048;
  const program = trace((t) => {
    let x = t.input("x", [side, side]);
    for (let i = 0; i < 2000; i++) x = matmul(x, x);
    return { y: x };
  });
  const session = await makeEngine({ device: "cpu", threads: 1 }).load(program);
  const x = { dtype: "f32", shape: [side, side], data: new Float32Array(side * side) };
  const run = session.run({ x });
  await new Promise((resolve) => setTimeout(resolve, 1500));
`;

describe("signals", () => {
  it("stop a process while a network is loaded", async () => {
    const code = `${imports}
      const { signal } = listenForStop();
      const say = (event) => console.log(event.kind, event.stage ?? "");
      const pipeline = await loadPipeline({ model: ${JSON.stringify(sd1)}, threads: 1 }, { signal });
      try {
        for await (const event of pipeline.generate({ prompt: "a cat", steps: 500 }, { signal })) say(event);
      } catch (error) { console.log(error.code); }
      await pipeline.dispose();
      console.log("disposed");`;
    const { ended, output } = await runProgram(code, { "load text encoder": "SIGINT" });
    expect(output).toMatch(/aborted\ndisposed\n$/);
    expect(output).not.toContain("decode");
    expect(ended).toBe(0);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("end the process at once the second time (%s)", async (signal) => {
    const code = `${imports}
      const stop = listenForStop();
      stop.signal.addEventListener("abort", () => console.log("stopping"));
      ${longRun}
      console.log("running");
      await run;
      console.log("done");`;
    const { ended, output } = await runProgram(code, { running: signal, stopping: signal });
    expect(output).toBe("running\nstopping\n");
    expect(ended).toBe(signal);
  });

  it("are not needed where a program exits in the middle of a long run", async () => {
    const { ended, output } = await runProgram(
      `${imports} ${longRun} console.log("leaving"); process.exit(3);`,
      {},
    );
    expect(output).toBe("leaving\n");
    // 3 where the run had not begun yet; inside of the runtime nothing but a signal ends a process at once.
    expect(["SIGKILL", 3]).toContain(ended);
  });
});
