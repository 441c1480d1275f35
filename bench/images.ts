// Image generation as users see it: whole processes from a cold start to PNG files, and their memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { median } from "./cost.js";

export interface ImagesResult {
  /** From the start of the process to its end, PNG written; median. */
  readonly coldSeconds: number;
  /** Of all cores together, in that time: what a quiet machine would need at least, times its cores. */
  readonly coldProcessorSeconds: number;
  /** Every further image in one process; median. */
  readonly furtherSeconds: number;
  /** The same two by the network for few steps, where the model has it. */
  readonly fast?: Measured;
  /** Most memory of any of the processes, in MB (10⁶ bytes). */
  readonly peakMegabytes: number;
  readonly processes: number;
  readonly goals: {
    readonly coldSeconds: number;
    readonly furtherSeconds: number;
    readonly fastSeconds: number;
    readonly peakMegabytes: number;
  };
}

const prompt = "blue cat against a sunset background";
const goals = { coldSeconds: 3, furtherSeconds: 0.8, fastSeconds: 0.5, peakMegabytes: 700 };

/** @returns Or the reason why nothing could be measured. */
export async function measureImages(root: string, processes: number): Promise<ImagesResult | string> {
  const model = join(root, "weights");
  if (!existsSync(join(model, "model.json"))) return `no model in ${model}`;
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  try {
    const measure = (...how: readonly string[]) =>
      measureWay(join(root, "dist/cli/main.js"), folder, processes, how);
    const usual = await measure();
    const manifest = JSON.parse(await readFile(join(model, "model.json"), "utf8")) as { parts: object };
    const fast = "fast" in manifest || "fast" in manifest.parts ? await measure("--fast") : undefined;
    return { ...usual, ...(fast && { fast }), processes, goals };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Measured = Omit<ImagesResult, "fast" | "processes" | "goals">;

/** With the flags `how`: some processes from a cold start, and one that draws several images. */
async function measureWay(
  cli: string,
  folder: string,
  processes: number,
  how: readonly string[],
): Promise<Measured> {
  const cold: Ended[] = [];
  for (let i = 0; i < processes; i++) {
    const output = ["--output", join(folder, `${i}.png`)];
    cold.push(await runNode([cli, prompt, "--quiet", "--force", "--seed", "0", ...output, ...how]));
  }
  const process = fileURLToPath(new URL("./images-process.js", import.meta.url));
  const further = await runNode([process, prompt, ...how]);
  const seconds = JSON.parse(further.output) as number[];
  return {
    coldSeconds: median(cold.map((each) => each.seconds)),
    coldProcessorSeconds: median(cold.map((each) => each.processorSeconds)),
    furtherSeconds: median(seconds.slice(1)),
    peakMegabytes: Math.max(...[...cold, further].map((each) => each.peakMegabytes)),
  };
}

interface Used {
  readonly peakMegabytes: number;
  readonly processorSeconds: number;
}

interface Ended extends Used {
  readonly seconds: number;
  readonly output: string;
}

/** Runs a program in a process of its own, which writes down what it used when it ends. */
async function runNode(args: readonly string[]): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  const note = join(folder, "resources.json");
  const reporter = pathToFileURL(fileURLToPath(new URL("./report-resources.js", import.meta.url))).href;
  const began = performance.now();
  const child = spawn(process.execPath, ["--import", reporter, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NISHIKI_BENCH_RESOURCES: note },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with exit code ${code}.`);
  const used = JSON.parse(await readFile(note, "utf8")) as Used;
  await rm(folder, { recursive: true, force: true });
  return { ...used, seconds, output };
}
