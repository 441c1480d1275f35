// A run's metrics: `metrics.jsonl`, one JSON object with a `step` per line.
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

/**
 * One line: loss, gradientNorm, learningRate and seconds of a step, or the numbers measured on samples.
 */
export type MetricsLine = { readonly step: number } & Readonly<Record<string, number>>;

export function metricsPath(folder: string): string {
  return join(folder, "metrics.jsonl");
}

/**
 * Reads all lines of a run; none if it has not started. Skips a line that a killed run left unfinished.
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

/** Removes the metrics after `step`: a killed run lost that work. */
export async function trimMetrics(folder: string, step: number): Promise<void> {
  const lines = await readMetrics(folder);
  if (lines.length === 0) return;
  const remaining = lines.filter((line) => line.step <= step).map((line) => `${JSON.stringify(line)}\n`);
  await writeFileAtomic(metricsPath(folder), remaining.join(""));
}

export async function appendMetrics(folder: string, line: MetricsLine): Promise<void> {
  try {
    await appendFile(metricsPath(folder), `${JSON.stringify(line)}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw fileError(error, `write ${metricsPath(folder)}`);
    throw new NishikiError(
      "file",
      `Cannot write ${metricsPath(folder)}: the disk is full. Free some space.`,
      {
        cause: error,
      },
    );
  }
}
