// Prints the results as tables and saves the numbers.
import { cpus, loadavg, totalmem } from "node:os";
import type { ImagesResult } from "./images.js";
import type { TrainingResult } from "./training-step.js";

export interface BenchReport {
  readonly date: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryGigabytes: number;
    /** Processes that wanted a core over the last minute, before the measurement: 0 is a quiet machine. */
    readonly loadBefore: number;
    readonly node: string;
    readonly onnxruntime: string;
  };
  readonly threads: number;
  readonly training: readonly TrainingResult[];
  readonly images: ImagesResult | string | undefined;
}

export function describeMachine(onnxruntime: string): BenchReport["machine"] {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    loadBefore: Math.round(loadavg()[0]! * 10) / 10,
    node: process.version,
    onnxruntime,
  };
}

export function formatReport({ machine, threads, training, images }: BenchReport): string {
  const { processor, cores, loadBefore, node, onnxruntime } = machine;
  const lines = [
    `${processor}, ${cores} cores, ${threads} threads, load ${loadBefore} before; Node ${node}, ONNX Runtime ${onnxruntime}`,
    "",
  ];
  if (training.length > 0) lines.push(...trainingTable(training), "");
  if (typeof images === "string") lines.push(`Pictures: not measured (${images}).`);
  else if (images) lines.push(...imagesTable(images));
  return lines.join("\n").trimEnd();
}

function trainingTable(results: readonly TrainingResult[]): string[] {
  const rows = results.map((r) => [
    r.name,
    `${(r.parameters / 1e6).toFixed(1)} M`,
    String(r.batch),
    r.secondsPerStep.toFixed(3),
    r.samplesPerSecond.toFixed(1),
    (r.flopPerStep / 1e9).toFixed(1),
    r.gflops.toFixed(1),
    r.matmulGflops.toFixed(1),
    `${percent(r.share)} (goal ${percent(r.goal)})`,
    percent(r.shareByProcessorTime),
  ]);
  const head = ["training step", "parameters", "batch", "seconds", "samples/s", "GFLOP", "GFLOP/s"];
  return table([[...head, "MatMul 1024³", "share", "by processor time"], ...rows]);
}

function imagesTable(result: ImagesResult): string[] {
  const { coldSeconds, coldProcessorSeconds, furtherSeconds, peakMegabytes, fast, goals } = result;
  const fastRows = fast && [
    ["with --fast from a cold start", `${fast.coldSeconds.toFixed(2)} s`, ""],
    ["  processor time", `${fast.coldProcessorSeconds.toFixed(2)} s`, ""],
    ["each further image with --fast", `${fast.furtherSeconds.toFixed(2)} s`, `${goals.fastSeconds} s`],
  ];
  return table([
    ["images, whole processes", "measured", "goal"],
    ["prompt to PNG from a cold start", `${coldSeconds.toFixed(2)} s`, `${goals.coldSeconds} s`],
    ["  processor time", `${coldProcessorSeconds.toFixed(2)} s`, ""],
    ["each further image", `${furtherSeconds.toFixed(2)} s`, `${goals.furtherSeconds} s`],
    ...(fastRows ?? []),
    ["peak memory", `${peakMegabytes.toFixed(0)} MB`, `${goals.peakMegabytes} MB`],
  ]);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  "),
  );
}
