// The programs that are measured beside one another: what each can be asked for, and how it is started.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../cost.js";
import { type PartName, partNames } from "./parts.js";
import { measureCpp } from "./stable-diffusion-cpp.js";
import { watch } from "./watch.js";

/** A network; a whole image as the program draws it; or SD-Turbo's: one step, and the tiny autoencoder. */
export const subjects = [...partNames, "picture", "turbo"] as const;
export type Subject = (typeof subjects)[number];

export interface Settings {
  readonly model: string;
  /** Folder of a tiny autoencoder, and of a model for one step. */
  readonly tiny?: string;
  readonly turbo?: string;
  readonly samples: number;
  readonly threads: number;
  /** Of "picture". */
  readonly steps: number;
  readonly python?: string;
  readonly sdCli?: string;
  readonly sdArguments: readonly string[];
  readonly sdRounds: number;
  readonly keepLoaded: boolean;
  /** For converted networks, and for images. */
  readonly scratch: string;
}

/** What one of the programs did with one subject. */
export interface Row {
  readonly program: string;
  readonly part: Subject;
  readonly seconds: number;
  readonly loadSeconds?: number;
  readonly peakGigabytes?: number;
  /** After the runs; what of it is not mapped from files; what the weights are in float32. */
  readonly residentGigabytes?: number;
  readonly anonymousGigabytes?: number;
  readonly float32Gigabytes?: number;
  readonly gflop?: number;
  readonly matmulGflops?: number;
}

export interface Program {
  readonly name: string;
  readonly measures: readonly Subject[];
  /** If it has fewer turns than the others. */
  readonly rounds?: number;
  /** Runs once, in a process of its own. */
  readonly measure: (part: Subject) => Promise<readonly Row[]>;
}

interface PartReport extends Omit<Row, "program" | "part" | "seconds"> {
  readonly seconds: readonly number[];
}

const require = createRequire(import.meta.url);
const root = dirname(require.resolve("nishiki/package.json"));
const prompt = "blue cat against a sunset background";

const folderOf = (part: Subject, { model, tiny, turbo }: Settings) =>
  part === "tiny" ? tiny! : part === "turbo" ? turbo! : model;

function makeNishiki(settings: Settings, prepared: boolean): Program {
  const name = prepared ? "Nishiki, weights prepared" : "Nishiki";
  const { samples, threads, steps, keepLoaded, tiny } = settings;
  const measurePart = async (part: PartName): Promise<Row> => {
    const script = fileURLToPath(new URL("./part-process.js", import.meta.url));
    const flags = ["--samples", String(samples), "--threads", String(threads)];
    if (prepared) flags.push("--prepared");
    const { output, peakGigabytes } = await watch(process.execPath, [
      script,
      part,
      folderOf(part, settings),
      ...flags,
    ]);
    const report = JSON.parse(output) as PartReport;
    return { ...report, program: name, part, seconds: median(report.seconds), peakGigabytes };
  };
  const draw = async (part: "picture" | "turbo"): Promise<Row> => {
    const output = join(settings.scratch, "nishiki.png");
    const one = ["--steps", "1", "--guidance", "1", "--vae", tiny ?? ""];
    const how = part === "turbo" ? one : ["--steps", String(steps), ...(keepLoaded ? ["--keep-loaded"] : [])];
    const { seconds, peakGigabytes } = await watch(process.execPath, [
      ...[join(root, "dist/cli/main.js"), prompt, "--model", folderOf(part, settings)],
      ...["--size", "512x512", "--seed", "1", "--sampler", "euler", "--threads", String(threads), "--quiet"],
      ...["--output", output, "--force", ...how],
    ]);
    return { program: name, part, seconds, peakGigabytes };
  };
  return {
    name,
    measures: prepared ? ["unet", "text"] : subjects,
    measure: async (part) => [
      await (part === "picture" || part === "turbo" ? draw(part) : measurePart(part)),
    ],
  };
}

const lastLine = (output: string) => output.trim().split("\n").at(-1)!;

function makeTorch(python: string, settings: Settings): Program {
  const name = "PyTorch";
  const script = join(root, "bench/peers/diffusers_parts.py");
  const measure = async (part: Subject): Promise<Row> => {
    const { output, seconds, peakGigabytes } = await watch(python, [
      ...[script, part, folderOf(part, settings), "--samples", String(settings.samples)],
      ...["--threads", String(settings.threads), "--steps", String(settings.steps)],
      ...(settings.tiny ? ["--tiny", settings.tiny] : []),
    ]);
    const report = JSON.parse(lastLine(output)) as PartReport;
    // A whole image is the whole process, as it is for the others.
    const isWhole = part === "picture" || part === "turbo";
    return {
      ...report,
      program: name,
      part,
      seconds: isWhole ? seconds : median(report.seconds),
      peakGigabytes,
    };
  };
  return { name, measures: subjects, measure: async (part) => [await measure(part)] };
}

function makeOpenVino(python: string, settings: Settings): Program {
  const name = "OpenVINO";
  const script = join(root, "bench/peers/openvino_parts.py");
  const measure = async (part: Subject): Promise<Row> => {
    const args = [
      ...[script, part, folderOf(part, settings), "--cache", join(settings.scratch, part)],
      ...["--samples", String(settings.samples), "--threads", String(settings.threads)],
      ...["--output", join(settings.scratch, "openvino.png")],
      ...(settings.tiny ? ["--tiny", settings.tiny] : []),
    ];
    await watch(python, [...args, "--convert"]);
    const { output, seconds, peakGigabytes } = await watch(python, args);
    const report = JSON.parse(lastLine(output)) as Partial<PartReport>;
    const took = report.seconds ? median(report.seconds) : seconds;
    return { ...report, program: name, part, seconds: took, peakGigabytes };
  };
  return {
    name,
    measures: subjects.filter((part) => part !== "picture"),
    measure: async (part) => [await measure(part)],
  };
}

function makeCpp(command: string, settings: Settings): Program {
  const program = "stable-diffusion.cpp";
  const { threads, sdArguments, tiny } = settings;
  const measure = async (part: Subject): Promise<Row[]> => {
    const isTurbo = part === "turbo";
    const steps = isTurbo ? 1 : settings.steps || 1;
    const more = isTurbo
      ? ["--cfg-scale", "1", "--taesd", join(tiny!, "diffusion_pytorch_model.safetensors"), ...sdArguments]
      : ["--cfg-scale", "7.5", ...sdArguments];
    const found = await measureCpp(command, folderOf(part, settings), { steps, threads, more });
    const { seconds, peakGigabytes } = found;
    const whole: Row[] = part === "unet" ? [] : [{ program, part, seconds, peakGigabytes }];
    if (isTurbo) return [{ program, part: "tiny", seconds: found.decodeSeconds }, ...whole];
    return [
      // The peak is the whole image's: it knows no other.
      { program, part: "unet", seconds: found.stepSeconds, loadSeconds: found.loadSeconds, peakGigabytes },
      { program, part: "text", seconds: found.textSeconds },
      { program, part: "decoder", seconds: found.decodeSeconds },
      ...whole,
    ];
  };
  return {
    name: program,
    measures: [settings.steps > 0 ? "picture" : "unet", "turbo"],
    rounds: settings.sdRounds,
    measure,
  };
}

/** Why a Python lacks a module, in a word; undefined if it has it. */
function findProblem(python: string, modules: string): string | undefined {
  const { status, stderr, error } = spawnSync(python, ["-c", `import ${modules}`], { encoding: "utf8" });
  if (error) return error.message;
  return status === 0 ? undefined : lastLine(stderr);
}

/**
 * The programs that are there, in the order of a round.
 * @param skip Told of each that is not, with the reason.
 */
export function findPrograms(
  settings: Settings,
  { prepared, skip }: { readonly prepared: boolean; readonly skip: (reason: string) => void },
): readonly Program[] {
  const { python, sdCli } = settings;
  const programs = [makeNishiki(settings, false)];
  if (prepared) programs.push(makeNishiki(settings, true));
  for (const [name, modules, make] of [
    ["PyTorch", "torch, diffusers, transformers", makeTorch],
    ["OpenVINO", "openvino, torch, diffusers, transformers", makeOpenVino],
  ] as const) {
    const problem = python ? findProblem(python, modules) : "--python names no Python";
    if (problem === undefined) programs.push(make(python!, settings));
    else skip(`${name}: not measured (${problem}).`);
  }
  if (sdCli && existsSync(sdCli)) programs.push(makeCpp(sdCli, settings));
  else
    skip(
      `stable-diffusion.cpp: not measured (${sdCli ? `there is no ${sdCli}` : "--sd-cli names no program; bench/peers/README.md says how to build it"}).`,
    );
  return programs;
}

/** A folder for what is measured, removed at the end. */
export async function withScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
