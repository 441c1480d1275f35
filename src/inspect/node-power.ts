// Power that a program of the system reports while something is computed, summed up to energy (node): nvidia-smi for NVIDIA's
// cards, and powermetrics for Apple's chips, which only root may run.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that prints the power it measures, again and again. */
export interface PowerMeter {
  readonly command: string;
  readonly args: readonly string[];
  /** Watts in a line of its output; undefined for other lines. */
  readonly read: (line: string) => number | undefined;
}

const milliseconds = 200;

/** Lines such as "68.45"; a card that does not measure says "[N/A]". With several cards, a line for each. */
export const nvidiaSmi: PowerMeter = {
  command: "nvidia-smi",
  args: ["--query-gpu=power.draw", "--format=csv,noheader,nounits", `--loop-ms=${milliseconds}`],
  read: (line) => (/^\s*\d+(\.\d+)?\s*$/.test(line) ? Number(line) : undefined),
};

/** Lines such as "Combined Power (CPU + GPU + ANE): 1234 mW". */
export const powermetrics: PowerMeter = {
  command: "powermetrics",
  args: ["--samplers", "cpu_power,gpu_power", "--sample-rate", String(milliseconds)],
  read: (line) => {
    const [, milliwatts] = /^Combined Power \(.*\): (\d+) mW/.exec(line) ?? [];
    return milliwatts === undefined ? undefined : Number(milliwatts) / 1000;
  },
};

/**
 * Starts a meter.
 * @returns What ends it and gives the energy in joules, the mean power times the time; undefined if it measured nothing, because
 * there is no such program or it may not run.
 */
export function startPower(meter: PowerMeter): () => Promise<number | undefined> {
  const start = performance.now();
  const watts: number[] = [];
  const child = spawn(meter.command, meter.args, { stdio: ["ignore", "pipe", "ignore"] });
  child.unref();
  const gone = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const value = meter.read(line);
    if (value !== undefined) watts.push(value);
  });
  return async () => {
    const seconds = (performance.now() - start) / 1000;
    child.kill();
    await gone;
    const mean = watts.reduce((a, b) => a + b, 0) / watts.length;
    return watts.length === 0 ? undefined : mean * seconds;
  };
}
