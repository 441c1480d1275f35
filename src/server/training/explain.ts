// Explains an image, in the drawing process: with the pipeline that drew it, if that is still there. Each part of the
// explanation is reported as soon as it is known.
import { type ExplainProgress, type ExplanationPart, mergeParts, usualPanels } from "../../inspect/index.js";
import {
  type ExplanationPrice,
  explainInParts,
  findSprites,
  type PriceSubject,
  priceExplanation,
  usualOrdinary,
} from "../../inspect/node.js";
import { completeRequest, type Pipeline } from "../../pipeline/index.js";
import { embeddedModel } from "../../pipeline/node.js";
import type { Pipelines } from "../drawing/pipelines.js";
import { readRequestImages } from "../drawing/request-images.js";
import type { ExplainAmounts, ExplainTask, PriceTask } from "./tasks.js";
import type { SliceOptions } from "./train-slice.js";

async function readSubject(
  { load, request, images }: Pick<ExplainTask, "load" | "request" | "images">,
  pipelines: Pipelines,
): Promise<PriceSubject> {
  const opened = await pipelines.open(load);
  const read = await readRequestImages(request, images, opened.context);
  return { settings: completeRequest(read.request, opened.context), load, opened };
}

const readAmounts = (
  { otherSeeds, leaveOut, scales, panels = usualPanels, ordinary }: ExplainAmounts,
  isEmbedded: boolean,
) => ({
  ...{ panels, scales, seeds: otherSeeds, words: leaveOut },
  ordinaryPrompts: ordinary ?? (isEmbedded ? usualOrdinary : 0),
});

/** @throws NishikiError "usage", "file", "checkpoint" */
export async function priceExplaining(
  task: PriceTask,
  pipelines: Pipelines,
): Promise<ExplanationPrice | undefined> {
  const subject = await readSubject(task, pipelines);
  const amounts = readAmounts(task.amounts, task.load.model === undefined);
  return priceExplanation(subject, { ...amounts, isLoaded: pipelines.isLoaded(task.load) });
}

/** @returns The explanation as JSON. @throws NishikiError what `explainInParts` throws */
export async function explain(
  task: ExplainTask,
  pipelines: Pipelines,
  { signal, report }: SliceOptions,
): Promise<string> {
  const { load } = task;
  const subject = await readSubject(task, pipelines);
  const isEmbedded = load.model === undefined;
  const amounts = readAmounts(task.amounts, isEmbedded);
  // A forecast that fails is no reason not to draw; the embedded model's would take longer than it saves.
  const price = isEmbedded ? undefined : await priceExplanation(subject, amounts).catch(() => undefined);
  const progress = new ExplainReport(report);
  const look = async (pipeline: Pipeline): Promise<string> => {
    const parts: ExplanationPart[] = [];
    for await (const part of explainInParts(pipeline, subject.settings, {
      ...amounts,
      ...{ signal, load, isEmbedded, opened: subject.opened, onProgress: progress.take },
      ...(price && { prices: price.panels }),
      sprites: findSprites(),
      folder: load.model ?? embeddedModel,
    })) {
      parts.push(part);
      progress.show(JSON.stringify(part));
    }
    return JSON.stringify(mergeParts(parts));
  };
  return pipelines.use(load, look, { signal });
}

/** Says how far an explanation is, and what was found. */
class ExplainReport {
  readonly #report: SliceOptions["report"];
  readonly #started = performance.now();
  #fraction = 0;

  constructor(report: SliceOptions["report"]) {
    this.#report = report;
  }

  readonly take = ({ fraction }: ExplainProgress): void => {
    this.#fraction = fraction;
    this.#send();
  };

  show(finding: string): void {
    this.#send(finding);
  }

  #send(finding?: string): void {
    const fraction = this.#fraction;
    const seconds = (performance.now() - this.#started) / 1000;
    const secondsLeft = fraction === 0 ? null : (seconds / fraction) * (1 - fraction);
    const place = { stage: "explain", index: 0, count: 1, step: Math.floor(100 * fraction), steps: 100 };
    const progress = { ...place, fraction, secondsLeft };
    this.#report({ kind: "progress", progress, ...(finding !== undefined && { finding }) });
  }
}
