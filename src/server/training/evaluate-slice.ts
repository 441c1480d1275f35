// One slice of an evaluation, in the drawing process. Images that are drawn stay, so the next slice continues.
import { NishikiError } from "../../errors.js";
import { evaluate, type Report, writeReport } from "../../evaluate/index.js";
import type { EvaluateAnswer, EvaluateTask } from "./tasks.js";
import type { SliceOptions } from "./train-slice.js";

/** Share of the work that drawing is; the rest looks at what was drawn. */
const drawingShare = 0.8;

/** @throws NishikiError what `evaluate` throws; a slice that the signal ended returns */
export async function evaluateSlice(
  { model, output, sprites, prompts, seed }: EvaluateTask,
  { signal, report }: SliceOptions,
): Promise<EvaluateAnswer> {
  const started = performance.now();
  let first: number | undefined;
  const onProgress = (title: string, done: number, of: number) => {
    const isDrawing = title === "Drawing";
    if (isDrawing) first ??= done - 1;
    const perImage = isDrawing ? (performance.now() - started) / 1000 / Math.max(1, done - first!) : 0;
    const fraction = isDrawing
      ? (drawingShare * done) / of
      : drawingShare + ((1 - drawingShare) * done) / of / 2;
    const progress = {
      ...{ stage: isDrawing ? "draw" : "classify", index: 0, count: 1, step: done, steps: of },
      ...{ fraction: Math.min(1, fraction), secondsLeft: isDrawing ? perImage * (of - done) : null },
    };
    report({ kind: "progress", progress });
  };
  const machine = model === undefined ? {} : { machine: { model } };
  try {
    const result = await evaluate({ ...machine, output, sprites, prompts, seed, signal, onProgress });
    await writeReport(output, result.report, result.evaluated, result.classes);
    return { finished: true, summary: summarize(result.report) };
  } catch (error) {
    if (signal.aborted && error instanceof NishikiError && error.code === "aborted")
      return { finished: false };
    throw error;
  }
}

/** The scores, for a line each on the page. */
function summarize({ skills }: Report): Readonly<Record<string, unknown>> {
  return {
    skills: skills.map(({ title, heldOut, share, interval, ceiling }) => ({
      title,
      heldOut,
      share,
      interval,
      ceiling,
    })),
  };
}
