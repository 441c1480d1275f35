// Collects the findings about a drawing into one explanation, part by part (node).
import { type ImageRequest, type LoadOptions, RunMeter } from "../pipeline/index.js";
import { keepDrawing, type OpenedModel } from "../pipeline/node.js";
import { type ExplainOptions, explain } from "./explain.js";
import type { DrawingPipeline, ExplainProgress } from "./explain-progress.js";
import type { Energy, Explanation, PanelRun } from "./explanation.js";
import { type ExplanationPart, mergeParts } from "./explanation-parts.js";
import type { Finding } from "./findings.js";
import { compareDevices, listDevices } from "./node-devices.js";
import { startEnergy } from "./node-energy.js";
import { type Draft, type FieldOptions, handlers, hashAgain } from "./node-fields.js";
import { getOrdinaryPulls } from "./node-ordinary.js";
import { getOrdinaryPrompts } from "./node-ordinary-prompts.js";
import { type PanelName, usualPanels } from "./panel-names.js";
import type { PanelPrice } from "./panel-prices.js";
import { planPanels } from "./panels.js";

export interface ExplanationOptions
  extends Omit<ExplainOptions, "onRun" | "ordinary" | "weights">,
    FieldOptions {
  /** Compare the prompt's pull with this many ordinary prompts; each costs one step, once for a model. Default 0. */
  readonly ordinaryPrompts?: number;
  /** The options that the model was loaded with: with the panel "devices", it is loaded on each device, and draws twice. */
  readonly load?: LoadOptions;
  /** What the panels cost: see `priceExplanation`. */
  readonly prices?: readonly PanelPrice[];
  /** The opened model: where its prices were only estimated, the drawing teaches how fast it is here. */
  readonly opened?: OpenedModel;
}

/** Steps of other seeds' drawings with the embedded model: they are looked at small, and compared with each other. */
const quickSteps = 10;

/** How much is drawn unless something else is said. */
export const getUsualAmounts = (isEmbedded = false) => (isEmbedded ? { seedSteps: quickSteps } : {});

/** Measures how long panels take. */
class PanelClock {
  #runs: readonly PanelRun[];
  #panel: PanelName | undefined;
  #start = performance.now();

  constructor(runs: readonly PanelRun[]) {
    this.#runs = runs;
  }

  get runs(): readonly PanelRun[] {
    return this.#runs;
  }

  /** A panel begins, or goes on; the one before it is finished. */
  readonly take = ({ panel }: { readonly panel: PanelName | undefined }): void => {
    if (panel === this.#panel) return;
    const now = performance.now();
    const seconds = (now - this.#start) / 1000;
    const last = this.#panel;
    this.#runs = this.#runs.map((run) => (run.panel === last ? { ...run, seconds } : run));
    [this.#panel, this.#start] = [panel, now];
  };
}

function listRuns(pipeline: DrawingPipeline, request: ImageRequest, options: ExplanationOptions): PanelRun[] {
  return planPanels(pipeline.complete(request), options).map(({ panel, drawings }) => {
    const { seconds, bytes, isMeasured } = options.prices?.find((one) => one.panel === panel) ?? {};
    const isPriced = seconds !== undefined && bytes !== undefined && isMeasured !== undefined;
    return { panel, drawings, ...(isPriced && { price: { seconds, bytes, isMeasured } }) };
  });
}

/** What the first drawing with a model teaches about its speed. */
class Lesson {
  readonly #pipeline: DrawingPipeline;
  readonly #request: ImageRequest;
  readonly #options: ExplanationOptions;
  readonly #meter = new RunMeter();
  readonly #start = performance.now() / 1000;
  #isOver: boolean;
  readonly onRun = this.#meter.add;

  constructor(pipeline: DrawingPipeline, request: ImageRequest, options: ExplanationOptions) {
    this.#pipeline = pipeline;
    this.#request = request;
    this.#options = options;
    this.#isOver = options.prices?.every(({ isMeasured }) => isMeasured) ?? true;
  }

  async end(): Promise<void> {
    const { opened, load = {} } = this.#options;
    if (this.#isOver || !opened?.getWork) return;
    this.#isOver = true;
    const [start, settings] = [this.#start, this.#pipeline.complete(this.#request)];
    const times = { start, loaded: start, end: performance.now() / 1000 };
    const { getWork } = opened;
    // What cannot be learned is no failure of the explanation.
    await keepDrawing({ settings, load, getWork, meter: this.#meter, times, count: 1 }).catch(
      () => undefined,
    );
  }
}

/** Fields that differ from those of an earlier draft. */
function listChanges(draft: Draft, before: Draft): ExplanationPart {
  const entries = Object.entries(draft) as [keyof Draft, unknown][];
  return Object.fromEntries(entries.filter(([name, value]) => name !== "drawn" && before[name] !== value));
}

/**
 * Draws a request and explains it, part by part: the drawing first, with all that the page's overview needs.
 * @throws NishikiError as `generate` does
 */
export async function* explainInParts(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  options: ExplanationOptions = {},
): AsyncGenerator<ExplanationPart, void, void> {
  const { isEmbedded = false, ordinaryPrompts = 0, signal, prices = [], panels = usualPanels } = options;
  const ordinary = () =>
    getOrdinaryPulls(pipeline, request, getOrdinaryPrompts(isEmbedded, ordinaryPrompts), signal);
  const all = { ...getUsualAmounts(isEmbedded), ...options };
  const clock = new PanelClock(listRuns(pipeline, request, all));
  const onProgress = (progress: ExplainProgress) => {
    clock.take(progress);
    options.onProgress?.(progress);
  };
  const weights = Object.fromEntries(prices.map(({ panel, seconds }) => [panel, seconds]));
  const draft: Draft = {};
  const lesson = new Lesson(pipeline, request, options);
  const { onRun } = lesson;
  const { device = "auto" } = options.load ?? {};
  const stopEnergy = await startEnergy(device === "auto" ? "cpu" : device);
  let energy: Energy | undefined;
  try {
    for await (const finding of explain(pipeline, request, {
      ...all,
      ordinary,
      weights,
      onProgress,
      onRun,
    })) {
      const before = { ...draft };
      energy ??= await stopEnergy();
      await lesson.end();
      await handle(finding, draft, options);
      Object.assign(draft, { energy, panels: clock.runs });
      draft.devices ??= listDevices(draft.device ?? "cpu", options.threads);
      yield listChanges(draft, before);
    }
  } finally {
    if (!energy) await stopEnergy();
  }
  if (options.load && panels.includes("devices")) {
    onProgress({ panel: "devices", fraction: 1 });
    yield { devices: await compareDevices(request, options.load, draft.device ?? "cpu", signal) };
  }
  clock.take({ panel: undefined });
  yield { panels: clock.runs, files: await hashAgain(draft.files ?? [], options.folder) };
}

const handle = (finding: Finding, draft: Draft, options: ExplanationOptions) =>
  (handlers[finding.kind] as (one: Finding, to: Draft, with_: FieldOptions) => Promise<void> | void)(
    finding,
    draft,
    options,
  );

/**
 * Draws a request and explains it as one piece of data.
 * @throws NishikiError as `generate` does
 */
export async function makeExplanation(
  pipeline: DrawingPipeline,
  request: ImageRequest,
  options: ExplanationOptions = {},
): Promise<Explanation> {
  const parts: ExplanationPart[] = [];
  for await (const part of explainInParts(pipeline, request, options)) parts.push(part);
  return mergeParts(parts);
}
