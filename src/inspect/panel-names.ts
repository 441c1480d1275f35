// The names of an explanation's panels: of the command line, the API and the page.

/** In the order in which they are drawn. */
export const panelNames = [
  "drawing",
  "pull",
  "leave-out",
  "seeds",
  "word-pull",
  "arrow",
  "switch",
  "scales",
  "devices",
] as const;
export type PanelName = (typeof panelNames)[number];

/** Panels that are drawn unless others are chosen: all that need no other device. */
export const usualPanels: readonly PanelName[] = panelNames.filter((name) => name !== "devices");
