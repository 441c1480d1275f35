// The drawing process: holds the models, takes tasks from the server and answers with events. If the runtime crashes, this
// process dies and the server goes on.
import { NishikiError } from "../../errors.js";
import { completeRequest, imageRequestSchema, type LoadOptions, mapImages } from "../../pipeline/index.js";
import { foresee } from "../../pipeline/node.js";
import { scan } from "../catalogue/scan.js";
import type { WorkEvent } from "../parts.js";
import { draw } from "./draw.js";
import { enlarge } from "./enlarge.js";
import { Pipelines } from "./pipelines.js";
import type { ErrorData, FromChild, Task, Tasks, ToChild } from "./protocol.js";
import { readRequestImages } from "./request-images.js";

interface Running {
  readonly stop: AbortController;
  skip: () => void;
}
const running = new Map<number, Running>();

const send = (message: FromChild) => {
  // The server may have gone; then this process ends by "disconnect".
  if (process.connected) process.send!(message, undefined, undefined, () => {});
};

const pipelines = new Pipelines((models) => send({ kind: "loaded", models }));

async function complete({
  load,
  request,
  images,
}: Tasks["complete"]["task"]): Promise<Tasks["complete"]["answer"]> {
  const { context } = await pipelines.open(load);
  const read = await readRequestImages(request, images, context);
  const settings = completeRequest(read.request, context);
  const named = await mapImages(imageRequestSchema, settings, (_, path) => read.ids.get(path));
  return { request: named as Record<string, unknown>, notices: read.notices };
}

async function forecast({ load, request, images }: Tasks["forecast"]["task"]) {
  const opened = await pipelines.open(load);
  const read = await readRequestImages(request, images, opened.context);
  const settings = completeRequest(read.request, opened.context);
  const isLoaded = pipelines.isLoaded(load);
  const reopen = (changed: LoadOptions) => pipelines.open(changed);
  return foresee({ settings, load, opened }, { isLoaded, reopen });
}

async function run(id: number, task: Task, state: Running): Promise<unknown> {
  const { signal } = state.stop;
  const report = (event: WorkEvent) => send({ kind: "event", id, event });
  switch (task.kind) {
    case "complete":
      return complete(task);
    case "forecast":
      return forecast(task);
    case "scan":
      return scan(task.folders, task.named);
    case "plan": {
      const planner = await (await pipelines.open(task.load)).loadPlanner?.();
      return typeof task.from === "string" ? planner?.plan(task.from) : planner?.say(task.from);
    }
    case "context": {
      const { check: _, ...context } = (await pipelines.open(task.load)).context;
      return context;
    }
    case "tokens":
      return (await pipelines.open(task.load)).countTokens?.(task.prompt);
    case "load":
      return pipelines.use(task.load, async () => undefined, { signal });
    case "unload":
      return pipelines.unload(task.model, task.all);
    case "enlarge":
      return enlarge(task, { signal, report });
    // What trains is loaded only where somebody trains.
    case "plan-training": {
      const { chooseFineTuningSteps, usualLora } = await import("../../training/index.js");
      return { steps: chooseFineTuningSteps(task.images), ...usualLora };
    }
    case "train":
      return (await import("../training/train-slice.js")).trainSlice(task, { signal, report });
    case "evaluate":
      return (await import("../training/evaluate-slice.js")).evaluateSlice(task, { signal, report });
    case "explain":
      return (await import("../training/explain.js")).explain(task, pipelines, { signal, report });
    case "price-explanation":
      return (await import("../training/explain.js")).priceExplaining(task, pipelines);
    case "draw":
      return draw(task, pipelines, {
        signal,
        onSkip: (skip) => {
          state.skip = skip;
        },
        report,
      });
  }
}

function describeError(error: unknown): ErrorData {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return { code: error instanceof NishikiError ? error.code : undefined, message, stack };
}

async function handle(id: number, task: Task): Promise<void> {
  const state: Running = { stop: new AbortController(), skip: () => {} };
  running.set(id, state);
  try {
    send({ kind: "answer", id, answer: await run(id, task, state) });
  } catch (error) {
    send({ kind: "error", id, error: describeError(error) });
  } finally {
    running.delete(id);
  }
}

process.on("message", (message: ToChild) => {
  if (message.kind === "task") void handle(message.id, message.task);
  else if (message.kind === "cancel") running.get(message.id)?.stop.abort();
  else running.get(message.id)?.skip();
});
// The server ends it; a terminal's Ctrl-C reaches this process too.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
