// A run's numbers: one JSON object a line in `metrics.jsonl`, `step` in each.
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

/**
 * One line. Those of steps have loss, gradientNorm, learningRate and seconds; those of samples what was
 * measured on them.
 */
export type MetricsLine = { readonly step: number } & Readonly<Record<string, number>>;

export function metricsPath(folder: string): string {
  return join(folder, "metrics.jsonl");
}

/**
 * All lines of a run so far; none where it has not begun. A line that a killed run left unfinished is left
 * out.
 */
export async function readMetrics(folder: string): Promise<MetricsLine[]> {
  let text: string;
  try {
    text = await readFile(metricsPath(folder), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError(error, `read ${metricsPath(folder)}`);
  }
  return text.split("\n").flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): MetricsLine | undefined {
  try {
    const value = JSON.parse(line) as MetricsLine | null;
    return typeof value?.step === "number" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the metrics of steps up to `step`: those after it belong to work that a killed run lost. */
export async function trimMetrics(folder: string, step: number): Promise<void> {
  const lines = await readMetrics(folder);
  if (lines.length === 0) return;
  const kept = lines.filter((line) => line.step <= step).map((line) => `${JSON.stringify(line)}\n`);
  await writeFileAtomic(metricsPath(folder), kept.join(""));
}

export async function appendMetrics(folder: string, line: MetricsLine): Promise<void> {
  try {
    await appendFile(metricsPath(folder), `${JSON.stringify(line)}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw fileError(error, `write ${metricsPath(folder)}`);
    throw new NishikiError("file", `Cannot write ${metricsPath(folder)}: the disk is full.`, {
      cause: error,
    });
  }
}
