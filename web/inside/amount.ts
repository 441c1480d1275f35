// How much is drawn to explain an image.
import { type PanelName, panelNames, usualPanels } from "../../src/inspect/panel-names.js";

export interface Amount {
  readonly panels: readonly PanelName[];
  readonly otherSeeds: number;
  readonly leaveOut: number;
  /** Ordinary prompts to compare with. */
  readonly ordinary: number;
  readonly scales: readonly number[];
}

/** In the order in which they are drawn. */
export const allPanels: readonly PanelName[] = panelNames;

export const full: Amount = {
  panels: usualPanels,
  ...{ otherSeeds: 15, leaveOut: 5, ordinary: 24, scales: [1, 2, 8, 15] },
};

/** Chosen at first for models that take minutes for an image. */
export const few: readonly PanelName[] = ["drawing", "leave-out"];

/** An image's explanation by an amount has one id, so that asking again finds it. At most 64 characters. */
export function getExplanationId(image: string, { panels, otherSeeds, leaveOut, ordinary }: Amount): string {
  const choice = allPanels.reduce((bits, panel, i) => bits + (panels.includes(panel) ? 2 ** i : 0), 0);
  return `inside-${image.slice(0, 32)}-${choice}-${otherSeeds}-${leaveOut}-${ordinary}`;
}
