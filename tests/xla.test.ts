// Training on other machines: what an exported run holds, and that XLA computes the same from it. What needs Python is left out
// where there is no Python with JAX; NISHIKI_PYTHON names one.
import { execFile, spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors } from "../src/checkpoint/index.js";
import type { Engine } from "../src/engine/index.js";
import { makeEngine } from "../src/engine/node.js";
import { lowerProgram } from "../src/graph/index.js";
import { autoencoderConfigs } from "../src/models/index.js";
import {
  completeTrainingConfig,
  exportRun,
  readMetrics,
  streamBatches,
  train,
} from "../src/training/index.js";
import { cases } from "./operations/cases.js";
import { declare, differentiated, makeInputs, toHost } from "./operations/check.js";
import { runCli } from "./support/run-cli.js";
import { writeImages } from "./training/images.js";

const engineFolder = fileURLToPath(new URL("../engines/xla", import.meta.url));
const python = process.env.NISHIKI_PYTHON ?? "python3";
const probe = spawnSync(python, ["-c", "import jax, numpy, onnx"], { encoding: "utf8" });
const hasJax = probe.status === 0;
if (!hasJax) {
  const why = probe.error ? probe.error.message : probe.stderr.trim().split("\n").at(-1);
  process.stderr.write(
    `XLA is not tested: "${python}" has no JAX with ONNX (${why}); NISHIKI_PYTHON names another.\n`,
  );
}

let folder: string;
let engine: Engine;
const at = (...parts: readonly string[]) => join(folder, ...parts);
const steps = 50;

const config = (name: string, given: Record<string, unknown> = {}) => ({
  kind: "autoencoder",
  folder: at(name),
  data: { folder: at("pictures"), size: 32 },
  network: { ...autoencoderConfigs.tiny, fold: 4 },
  batchSize: 4,
  workers: 1,
  schedule: { steps, learningRate: 0.01, warmupSteps: 3, decaySteps: 10, emaDecay: 0.9 },
  sampleInterval: 1000,
  ...given,
});
const complete = (name: string, given?: Record<string, unknown>) =>
  completeTrainingConfig(config(name, given));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-xla-"));
  engine = makeEngine({ threads: 1 });
  await writeImages(at("pictures"), 6, 32);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const run = promisify(execFile);

async function compute(exported: string, devices = 1, ...args: readonly string[]) {
  const flags = `--xla_force_host_platform_device_count=${devices}`;
  const env = { ...process.env, XLA_FLAGS: flags, JAX_PLATFORMS: "cpu", PYTHONPATH: engineFolder };
  return run(python, ["-m", "nishiki_xla", exported, ...args], { env });
}

const losses = async (name: string) => (await readMetrics(at(name))).flatMap(({ loss }) => loss ?? []);

const difference = (a: readonly number[], b: readonly number[]) => {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
};

describe("an exported run", { timeout: 120_000 }, () => {
  it("holds the step with standard operators alone, its state, its rates and its batches", async () => {
    const written = await exportRun(complete("never"), { engine, output: at("exported"), batches: 3 });
    expect(written).toMatchObject({ step: 0, steps, batches: 3 });
    expect((await readdir(at("exported"))).sort()).toEqual([
      ...["batches", "checkpoint.safetensors", "run.json", "schedule.safetensors", "step.onnx"],
    ]);
    expect(await readdir(at("exported", "batches"))).toHaveLength(3);
    const description = JSON.parse(await readFile(at("exported", "run.json"), "utf8"));
    expect(description.inputs.map(({ name }: { name: string }) => name)).toEqual(["pixels", "noise"]);
    expect(description.scalars).toEqual(["learningRate", "correction1", "correction2", "averageDecay"]);
    expect(description.metrics).toContain("gradientNorm");
    const { tensors } = decodeSafetensors(await readFile(at("exported", "schedule.safetensors")));
    expect(tensors.get("learningRate")!.shape).toEqual([steps]);
    expect((await readFile(at("exported", "step.onnx"))).includes("FusedMatMul")).toBe(false);
  });

  it("streams the batches that its files hold", async () => {
    await exportRun(complete("never"), { engine, output: at("files"), batches: 4 });
    const parts: Uint8Array[] = [];
    const controller = new AbortController();
    const write = async (bytes: Uint8Array) => {
      parts.push(bytes.slice());
      if (parts.length === 4) controller.abort(); // two records of a length and a file
    };
    await streamBatches(complete("never"), { engine, from: 2, write, signal: controller.signal });
    for (const [i, step] of [2, 3].entries()) {
      const file = await readFile(at("files", "batches", `000000${step}.safetensors`));
      expect(new DataView(parts[2 * i]!.buffer).getBigUint64(0, true)).toBe(BigInt(file.length));
      expect(Buffer.from(parts[2 * i + 1]!).equals(file)).toBe(true);
    }
  });

  it("keeps no batch of an export that was there before, and names the run in each", async () => {
    await exportRun(complete("never"), { engine, output: at("again"), batches: 5 });
    const other = complete("never", { seed: 2 });
    await exportRun(other, { engine, output: at("again"), batches: 2 });
    expect((await readdir(at("again", "batches"))).sort()).toEqual([
      "0000000.safetensors",
      "0000001.safetensors",
    ]);
    const { run: here } = JSON.parse(await readFile(at("again", "run.json"), "utf8"));
    const batch = async (output: string) =>
      decodeSafetensors(await readFile(at(output, "batches", "0000001.safetensors"))).metadata;
    expect(await batch("again")).toEqual({ run: here, step: "1" });
    expect((await batch("files")).run).not.toBe(here);
  });

  it("is written and streamed by the command line, which refuses what does not go together", async () => {
    await writeFile(
      at("config.json"),
      JSON.stringify(config("never", { schedule: { steps: 2, warmupSteps: 0, decaySteps: 0 } })),
    );
    const written = await runCli(["export", at("config.json"), "--output", at("cli"), "--batches", "2"]);
    expect(written).toMatchObject({ code: 0, stdout: `${at("cli")}\n` });
    expect(await readdir(at("cli", "batches"))).toHaveLength(2);
    expect((await runCli(["export", at("config.json"), "--batches", "2"])).code).toBe(2);
    const both = await runCli(["export", at("config.json"), "--output", at("cli"), "--stream", "0"]);
    expect(both.stderr).toContain("got both");
    const former = await runCli(["train", at("config.json"), "--export", "a b", "--batches", "2"]);
    expect(former).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`nishiki export ${at("config.json")} --output 'a b' --batches 2`),
    });
  });
});

describe.runIf(hasJax)("XLA", { timeout: 600_000 }, () => {
  it("computes every operation as ONNX Runtime does, and its gradients", async () => {
    await mkdir(at("programs"));
    const fixed = cases.filter(({ sizes }) => !sizes); // steps are exported with numbers for all dimensions
    for (const [i, item] of fixed.entries()) {
      const program = declare(item, differentiated(item).length > 0);
      const inputs = toHost(makeInputs(item, {}));
      const { shape } = program.inputs.find(({ name }) => name === "direction")?.tensor ?? {};
      if (shape) {
        const size = (shape as number[]).reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: size }, (_, j) => Math.sin(j + 1));
        Object.assign(inputs, { direction: { dtype: "f32", shape, data } });
      }
      const session = await engine.load(program);
      const outputs = await session.run(inputs);
      await session.close();
      const named = (prefix: string, all: typeof outputs) =>
        Object.entries(all).map(([name, { dtype, shape, data }]) => ({
          name: prefix + name,
          dtype,
          shape: [...shape],
          data,
        }));
      const tensors = [...named("in:", inputs as typeof outputs), ...named("out:", outputs)];
      const name = at("programs", String(i).padStart(3, "0"));
      await writeFile(`${name}.onnx`, lowerProgram(program, { target: "standard", decompose: true }).onnx);
      await writeFile(
        `${name}.safetensors`,
        encodeSafetensors(tensors as Parameters<typeof encodeSafetensors>[0]),
      );
    }
    const { stdout } = await run(python, [join(engineFolder, "tests/check_programs.py"), at("programs")], {
      env: { ...process.env, JAX_PLATFORMS: "cpu" },
    });
    const { errors, failures } = JSON.parse(stdout) as { errors: Record<string, number>; failures: object };
    expect(failures).toEqual({});
    expect(Object.keys(errors)).toHaveLength(fixed.length);
    const wrong = Object.entries(errors).filter(([, error]) => !(error < 1e-4));
    expect(wrong.map(([file, error]) => `${fixed[Number.parseInt(file, 10)]!.name}: ${error}`)).toEqual([]);
  });

  it("gives the losses of ONNX Runtime, on one device and on two, and checkpoints that both go on with", async () => {
    await train(complete("here"), { engine });
    for (const [name, devices] of [["one", 1] as const, ["two", 2] as const]) {
      await exportRun(complete("never"), { engine, output: at(name), batches: steps });
      await compute(at(name), devices);
    }
    expect(difference(await losses("one"), await losses("here"))).toBeLessThan(1e-4);
    expect(difference(await losses("two"), await losses("one"))).toBeLessThan(1e-5);

    // Half of the run there, the other half here; and the other way round.
    await exportRun(complete("never"), { engine, output: at("first"), batches: steps });
    await compute(at("first"), 1, "--steps", "25").catch(() => undefined);
    await mkdir(at("goes-on"));
    await writeFile(
      at("goes-on", "checkpoint.safetensors"),
      await readFile(at("first", "checkpoint.safetensors")),
    );
    const notices: string[] = [];
    await train(complete("goes-on"), { engine, resume: true, onNotice: (text) => notices.push(text) });
    expect(notices.join()).toContain("XLA on 1 cpu devices");
    const both = [...(await losses("first")), ...(await losses("goes-on"))];
    expect(difference(both, await losses("here"))).toBeLessThan(1e-4);

    const begun = complete("begun", { schedule: { ...config("begun").schedule, steps: 20 } });
    await train(begun, { engine });
    await exportRun(complete("begun"), { engine, output: at("second"), resume: true, batches: steps });
    await compute(at("second"));
    expect(await losses("second")).toHaveLength(30);
  });

  it("takes batches from a stream, ends when its time is over, and says what is wrong", async () => {
    await writeFile(at("streamed.json"), JSON.stringify(config("never")));
    await exportRun(complete("never"), { engine, output: at("streamed") });
    const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
    const command = `${process.execPath} ${cli} export ${at("streamed.json")}`;
    const { stderr } = await compute(
      at("streamed"),
      1,
      "--batches",
      command,
      "--steps",
      "12",
      "--minutes",
      "5",
    );
    expect(stderr).toContain("Step 12 of 12");
    expect(difference(await losses("streamed"), (await losses("one")).slice(0, 12))).toBeLessThan(1e-6);
    const checked = await compute(
      at("streamed"),
      1,
      "--batches",
      command,
      "--check",
      "2",
      "--precision",
      "bfloat16",
    );
    expect(checked.stderr).toContain("of the");
    // Batches of another config, from a folder or from a stream, are not trained on.
    await exportRun(complete("never"), { engine, output: at("mixed"), batches: 1 });
    await exportRun(complete("never", { seed: 2 }), { engine, output: at("others"), batches: 2 });
    await copyFile(
      at("others", "batches", "0000001.safetensors"),
      at("mixed", "batches", "0000001.safetensors"),
    );
    await expect(compute(at("mixed"))).rejects.toMatchObject({
      stderr: expect.stringContaining("belongs to another run"),
    });
    await writeFile(at("other.json"), JSON.stringify(config("never", { seed: 2 })));
    const wrong = `${process.execPath} ${cli} export ${at("other.json")}`;
    await expect(compute(at("streamed"), 1, "--batches", wrong)).rejects.toMatchObject({
      stderr: expect.stringContaining("belongs to another run"),
    });
    const file = at("streamed", "checkpoint.safetensors");
    const bytes = await readFile(file);
    bytes[bytes.length - 2]! ^= 1;
    await writeFile(file, bytes);
    await expect(compute(at("streamed"))).rejects.toMatchObject({
      stderr: expect.stringContaining("is damaged"),
    });
  });
});
