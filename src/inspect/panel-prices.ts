// What the panels of an explanation cost on this machine, before they are drawn.
import { forecastRequest, getKind, type MachineSpeed, type NetworkWork } from "../pipeline/index.js";
import type { PanelName } from "./panel-names.js";
import type { PanelPlan } from "./panels.js";

export interface PanelPrice {
  readonly panel: PanelName;
  /** Images, and predictions that stop early. */
  readonly drawings: number;
  /** For the drawing itself with loading the model, if it is not in memory. */
  readonly seconds: number;
  /** Peak memory of the process that draws. */
  readonly bytes: number;
  /** Whether this model has drawn on this machine before; otherwise its speed is estimated. */
  readonly isMeasured: boolean;
}

/** A network's evaluations in a panel: what makes pixels of latents, what predicts, and all else, which reads the prompt. */
function scaleWork(one: NetworkWork, { drawings, text, denoise, decode, rows }: PanelPlan): NetworkWork {
  const isDenoiser = one.group === "denoise" || one.network.startsWith("denoiser");
  const isDecoder = one.group === "decode" || one.network.startsWith("decoder");
  const share = isDenoiser ? denoise : isDecoder ? decode : text;
  return {
    ...one,
    evaluations: (one.evaluations * share) / drawings,
    ...(isDenoiser && one.valueBytes !== undefined && { valueBytes: one.valueBytes * Math.max(1, rows) }),
  };
}

/** Seconds to load these networks; the first time, a model's files are opened too. */
function getLoadSeconds(work: readonly NetworkWork[], speed: MachineSpeed, budget: number, isFirst: boolean) {
  const rest = Object.entries(speed.rest).map(([kind, one]) => [kind, isFirst ? one : { ...one, load: 0 }]);
  return forecastRequest(work, { ...speed, rest: Object.fromEntries(rest) }, { budget }).loadSeconds;
}

/** Whether all networks stay in memory beside each other: as the pool of sessions counts, in float32. */
function staysLoaded(work: readonly NetworkWork[], budget: number): boolean {
  const kinds = new Map(work.map((one) => [getKind(one), one]));
  return [...kinds.values()].reduce((sum, { parameters = 0 }) => sum + 4 * parameters, 0) <= budget;
}

/**
 * Prices the panels of an explanation. Networks that do not fit beside each other are loaded again for each drawing.
 * @param work Of one drawing: see `Pipeline.getWork`.
 * @param options.budget Bytes of weights up to which all networks stay in memory together.
 * @param options.isLoaded Whether the model is in memory already. Default false.
 */
export function pricePanels(
  plans: readonly PanelPlan[],
  work: readonly NetworkWork[],
  {
    speed,
    budget,
    isLoaded = false,
  }: { readonly speed: MachineSpeed; readonly budget: number; readonly isLoaded?: boolean },
): readonly PanelPrice[] {
  const stays = staysLoaded(work, budget);
  return plans.map((plan) => {
    const { panel, drawings } = plan;
    const scaled = work.map((one) => scaleWork(one, plan)).filter(({ evaluations }) => evaluations > 0);
    const all = forecastRequest(scaled, speed, { count: drawings, isLoaded: true, budget });
    const isFirst = panel === "drawing" && !isLoaded;
    const loads = stays ? (isFirst ? 1 : 0) : drawings;
    const seconds = all.seconds + loads * getLoadSeconds(scaled, speed, budget, isFirst);
    return { panel, drawings, seconds, bytes: all.bytes, isMeasured: all.isMeasured };
  });
}
