// What the panels of an explanation cost on this machine, before they are drawn.
import { forecastRequest, type MachineSpeed, type NetworkWork } from "../pipeline/index.js";
import type { PanelName, PanelPlan } from "./panels.js";

export interface PanelPrice {
  readonly panel: PanelName;
  /** Images, and predictions that stop early. */
  readonly drawings: number;
  /** Without loading the model. */
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

/**
 * Prices the panels of an explanation.
 * @param work Of one drawing: see `Pipeline.getWork`.
 * @param options.budget Bytes of weights up to which all networks stay in memory together.
 */
export function pricePanels(
  plans: readonly PanelPlan[],
  work: readonly NetworkWork[],
  { speed, budget }: { readonly speed: MachineSpeed; readonly budget: number },
): readonly PanelPrice[] {
  return plans.map((plan) => {
    const { panel, drawings } = plan;
    const scaled = work.map((one) => scaleWork(one, plan));
    const all = forecastRequest(scaled, speed, { count: drawings, isLoaded: true, budget });
    return { panel, drawings, seconds: all.seconds, bytes: all.bytes, isMeasured: all.isMeasured };
  });
}
