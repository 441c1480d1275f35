// Explains an image, in the drawing process: with the pipeline that drew it, if that is still there.
import { findSprites, makeExplanation, readSkills, usualOrdinary } from "../../inspect/node.js";
import { completeRequest, type Pipeline } from "../../pipeline/index.js";
import { embeddedModel } from "../../pipeline/node.js";
import type { Pipelines } from "../drawing/pipelines.js";
import { readRequestImages } from "../drawing/request-images.js";
import type { ExplainTask } from "./tasks.js";
import type { SliceOptions } from "./train-slice.js";

/** @returns The explanation as JSON. @throws NishikiError what `explain` throws */
export async function explain(
  { load, request, images, otherSeeds, leaveOut, scales, autopsy = false }: ExplainTask,
  pipelines: Pipelines,
  { signal, report }: SliceOptions,
): Promise<string> {
  const { context } = await pipelines.open(load);
  const read = await readRequestImages(request, images, context);
  const settings = completeRequest(read.request, context);
  const isEmbedded = load.model === undefined;
  // Drawings, of which each costs about the same.
  const drawings = 1 + leaveOut + otherSeeds + scales.length + (autopsy ? 8 : 0);
  const weights = {
    drawing: 1,
    without: 1,
    seeds: otherSeeds,
    guidance: scales.length,
    "word-pull": 3,
    arrow: 0.5,
    switch: 4,
  };
  let done = 0;
  const started = performance.now();
  const lookInside = (pipeline: Pipeline) =>
    makeExplanation(pipeline, settings, {
      signal,
      seeds: otherSeeds,
      words: leaveOut,
      autopsy,
      scales,
      isEmbedded,
      ordinaryPrompts: isEmbedded ? usualOrdinary : 0,
      sprites: findSprites(),
      folder: load.model ?? embeddedModel,
      onFinding: (kind) => {
        done = Math.min(drawings, done + (weights[kind as keyof typeof weights] ?? 0));
        const seconds = (performance.now() - started) / 1000;
        const progress = {
          ...{ stage: "explain", index: 0, count: 1, step: Math.floor(done), steps: drawings },
          ...{
            fraction: done / drawings,
            secondsLeft: done === 0 ? null : (seconds / done) * (drawings - done),
          },
        };
        report({ kind: "progress", progress });
      },
    });
  const explanation = await pipelines.use(load, lookInside, { signal });
  const skills = isEmbedded ? await readSkills() : undefined;
  return JSON.stringify({ ...explanation, ...(skills && { skills }) });
}
