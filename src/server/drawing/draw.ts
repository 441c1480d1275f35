// Draws a job in the drawing process, and reports what a worker reports.
import { NishikiError } from "../../errors.js";
import {
  completeRequest,
  getRemainingSettings,
  type ImageSettings,
  type NetworkRun,
  type Pipeline,
  type PipelineEvent,
  type ProgressEvent,
  RunMeter,
} from "../../pipeline/index.js";
import { keepDrawing } from "../../pipeline/node.js";
import type { WorkEvent } from "../parts.js";
import type { Pipelines } from "./pipelines.js";
import { PartialImages, PreviewPace } from "./preview.js";
import type { DrawTask } from "./protocol.js";
import { readRequestImages } from "./request-images.js";
import { WorkProgress } from "./work-progress.js";

export interface DrawOptions {
  readonly signal: AbortSignal;
  /** Registers what leaves out the image being drawn. */
  readonly onSkip: (skip: () => void) => void;
  readonly report: (event: WorkEvent) => void;
}

/** Draws all images of a task. @throws NishikiError what `Pipeline.generate` throws */
export async function draw(
  { load, request, images, partials = 0, from = 0 }: DrawTask,
  pipelines: Pipelines,
  { signal, onSkip, report }: DrawOptions,
): Promise<void> {
  if (from >= (request.count as number)) return;
  const opened = await pipelines.open(load);
  const { context, getWork } = opened;
  const read = await readRequestImages(request, images, context);
  const settings = completeRequest(read.request, context);
  const progress = new WorkProgress(settings.count, report, from);
  const onProgress = (event: ProgressEvent) => progress.take(event);
  const meter = new RunMeter();
  const start = performance.now() / 1000;
  let loaded = start;
  let isWhole = true;
  const drawAll = async (pipeline: Pipeline) => {
    loaded = performance.now() / 1000;
    for (let index = from; index < settings.count; ) {
      const skip = new AbortController();
      onSkip(() => skip.abort());
      progress.startAt(index);
      const isEmbedded = load.model === undefined;
      const options = { signal, skip: skip.signal, partials, isEmbedded, progress, report };
      index += await drawFrom(pipeline, settings, index, { ...options, onRun: meter.add });
      isWhole &&= !skip.signal.aborted;
    }
  };
  await pipelines.use(load, drawAll, { signal, onProgress, onRun: meter.add });
  if (!getWork || !isWhole) return;
  const times = { start, loaded, end: performance.now() / 1000 };
  const count = settings.count - from;
  // Nobody waits for it.
  void keepDrawing({ settings, load, getWork, meter, count, times }).catch(() => undefined);
}

interface PartOptions extends Omit<DrawOptions, "onSkip"> {
  readonly skip: AbortSignal;
  readonly partials: number;
  readonly isEmbedded: boolean;
  readonly onRun: (run: NetworkRun) => void;
  readonly progress: WorkProgress;
}

/** Draws from one image to the end, or until an image is left out. @returns How many images are done with. */
async function drawFrom(
  pipeline: Pipeline,
  settings: ImageSettings,
  first: number,
  { signal, skip, partials: count, isEmbedded, progress, report, onRun }: PartOptions,
): Promise<number> {
  const pace = new PreviewPace(isEmbedded);
  const partials = new PartialImages(count);
  const both = AbortSignal.any([signal, skip]);
  let finished = 0;
  try {
    for await (const event of pipeline.generate(getRemainingSettings(settings, first), {
      signal: both,
      onRun,
    })) {
      await reportEvent(event, { first, pace, partials, progress, report });
      if (event.kind === "image") finished += 1;
    }
    return settings.count - first;
  } catch (error) {
    const isSkip = skip.aborted && !signal.aborted && error instanceof NishikiError;
    if (!isSkip || error.code !== "aborted") throw error;
    return finished + 1;
  }
}

interface ReportOptions {
  readonly first: number;
  readonly pace: PreviewPace;
  readonly partials: PartialImages;
  readonly progress: WorkProgress;
  readonly report: (event: WorkEvent) => void;
}

async function reportEvent(
  event: PipelineEvent,
  { first, pace, partials, progress, report }: ReportOptions,
): Promise<void> {
  switch (event.kind) {
    case "warning":
      return report({ kind: "warning", message: event.message });
    case "image":
      return report({ kind: "image", index: first + event.index, png: event.png() });
    case "step": {
      progress.take(event);
      const partial = partials.get(event);
      const preview = await pace.make(event, partial !== undefined);
      if (preview) progress.show(preview, partial);
      return;
    }
    case "stage-image": // the next progress shows it
      return;
    default:
      return progress.take(event);
  }
}
