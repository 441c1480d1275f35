// What an explanation costs on this machine, panel by panel, before anything is drawn (node).
import { availableParallelism } from "node:os";
import { getBudget, type ImageSettings, type LoadOptions } from "../pipeline/index.js";
import { type Memory, type OpenedModel, readMachineSpeed, readMemory } from "../pipeline/node.js";
import { getUsualAmounts } from "./node-explanation.js";
import { type PanelPrice, pricePanels } from "./panel-prices.js";
import { type PlanOptions, planPanels } from "./panels.js";

export interface PriceOptions extends PlanOptions {
  /** Whether the model is in memory already. Default false. */
  readonly isLoaded?: boolean;
}

export interface PriceSubject {
  /** Completed, of one image. */
  readonly settings: ImageSettings;
  readonly load: LoadOptions;
  readonly opened: OpenedModel;
}

/** Beside the price of each panel, what the machine has. */
export interface ExplanationPrice {
  readonly panels: readonly PanelPrice[];
  readonly memory: Memory;
}

const deviceOf = ({ device = "auto" }: LoadOptions) => (device === "auto" ? "cpu" : device);

/**
 * Prices an explanation. Loads no weights; takes as long as `foresee`.
 * @returns Undefined if the model does not say what its networks cost.
 */
export async function priceExplanation(
  { settings, load, opened }: PriceSubject,
  { isLoaded = false, ...options }: PriceOptions = {},
): Promise<ExplanationPrice | undefined> {
  const work = await opened.getWork?.(settings);
  if (!work || work.length === 0) return undefined;
  const device = deviceOf(load);
  const speed = await readMachineSpeed(load);
  const budget = getBudget(load, device);
  const plans = planPanels(settings, {
    ...getUsualAmounts(load.model === undefined),
    previewCost: load.previewVae === undefined ? 1 : 0,
    ...(device === "cpu" && { threads: load.threads ?? availableParallelism() }),
    ...options,
  });
  const panels = pricePanels(plans, work, { speed, budget, isLoaded });
  return { panels, memory: await readMemory() };
}
