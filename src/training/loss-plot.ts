// Plots a run's loss.
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import { plotLines } from "../image/index.js";
import { renderSvgToPng } from "../image/node.js";
import { readMetrics } from "./metrics.js";

/** Exponential moving mean with bias correction; `half` is the half-life in values. */
export function smooth(values: readonly number[], half: number): number[] {
  const keep = 0.5 ** (1 / Math.max(half, 1e-9));
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    sum = sum * keep + value;
    weight = weight * keep + 1;
    return sum / weight;
  });
}

/** Draws `loss.png` from a run's metrics, from the second step on. */
export async function writeLossPlot(folder: string, title: string): Promise<void> {
  const lines = (await readMetrics(folder)).filter(({ loss }) => Number.isFinite(loss));
  if (lines.length < 2) return;
  const x = lines.map(({ step }) => step);
  const y = lines.map(({ loss }) => loss!);
  const svg = plotLines(
    [
      { label: "each step", x, y, faint: true, color: "#0072b2" },
      { label: "smoothed", x, y: smooth(y, lines.length / 150 + 3), color: "#0072b2" },
    ],
    { title, xLabel: "step", yLabel: "loss", logY: y.every((value) => value > 0) },
  );
  await writeFileAtomic(join(folder, "loss.png"), await renderSvgToPng(svg));
}
