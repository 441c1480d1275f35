// How far an explanation is: each step of each of its drawings counts, weighted by what its panel costs.
import type { Pipeline } from "../pipeline/index.js";
import type { PanelName } from "./panel-names.js";
import type { PanelPlan } from "./panels.js";

/** What looking inside needs of a pipeline. */
export type DrawingPipeline = Pick<Pipeline, "complete" | "environment" | "generate" | "getWork" | "model">;

export interface ExplainProgress {
  readonly panel: PanelName;
  /** Share of the whole explanation that is done, 0 to 1. */
  readonly fraction: number;
}

/** The same pipeline, telling of every step. */
export function withSteps(pipeline: DrawingPipeline, onStep: () => void): DrawingPipeline {
  return {
    model: pipeline.model,
    complete: (request) => pipeline.complete(request),
    environment: () => pipeline.environment(),
    getWork: (request) => pipeline.getWork(request),
    async *generate(request, options) {
      for await (const event of pipeline.generate(request, options)) {
        if (event.kind === "step") onStep();
        yield event;
      }
    },
  };
}

/** Seconds of each panel where they are forecast, or anything that is proportional to them. */
export type PanelWeights = Readonly<Partial<Record<PanelName, number>>>;

export class ProgressMeter {
  readonly #plans: readonly PanelPlan[];
  readonly #weigh: (plan: PanelPlan) => number;
  readonly #tell: (progress: ExplainProgress) => void;
  readonly #all: number;
  /** Weight of the panels before the current one. */
  #before = 0;
  #current: PanelPlan | undefined;
  #steps = 0;

  /** @param weights By default, panels weigh as much as they evaluate. */
  constructor(
    plans: readonly PanelPlan[],
    tell: (progress: ExplainProgress) => void,
    weights: PanelWeights = {},
  ) {
    this.#plans = plans;
    this.#weigh = ({ panel, denoise, decode }) => weights[panel] ?? denoise + decode / 20;
    this.#tell = tell;
    this.#all = plans.reduce((sum, plan) => sum + this.#weigh(plan), 0) || 1;
  }

  /** A panel begins; those before it in order are done or left out. */
  begin(panel: PanelName): void {
    const at = this.#plans.findIndex((plan) => plan.panel === panel);
    if (at < 0) return;
    this.#before = this.#plans.slice(0, at).reduce((sum, plan) => sum + this.#weigh(plan), 0);
    this.#current = this.#plans[at];
    this.#steps = 0;
    this.#report();
  }

  /** One of the panel's steps is done. */
  readonly step = (): void => {
    this.#steps += 1;
    this.#report();
  };

  #report(): void {
    if (!this.#current) return;
    const share = Math.min(1, this.#steps / Math.max(1, this.#current.steps));
    const fraction = Math.min(1, (this.#before + share * this.#weigh(this.#current)) / this.#all);
    this.#tell({ panel: this.#current.panel, fraction });
  }
}
