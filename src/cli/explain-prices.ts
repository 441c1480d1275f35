// What each panel of an explanation costs, as lines of text.
import type { PanelName } from "../inspect/index.js";
import type { ExplanationPrice } from "../inspect/node.js";
import { formatBytes } from "../pipeline/index.js";
import { formatSeconds } from "./progress.js";

/** What each panel shows, in the order in which they are drawn. */
export const panelTitles: Readonly<Record<PanelName, string>> = {
  drawing: "the picture, its steps and words, files and cost",
  pull: "how hard the prompt pulls, among ordinary prompts",
  "leave-out": "the same seed without each word",
  seeds: "other seeds, and their average",
  "word-pull": "what each word changes, step by step",
  arrow: "the arrow of guidance between two predictions",
  switch: "the strongest word, joining later",
  scales: "other guidance scales",
  devices: "the same seed on every device",
};

/** What progress says while a panel is drawn. */
export const panelLabels: Readonly<Record<PanelName, string>> = {
  drawing: "Looking inside",
  pull: "Comparing prompts",
  "leave-out": "Leaving words out",
  seeds: "Other seeds",
  "word-pull": "Word by word",
  arrow: "Guidance",
  switch: "Joining later",
  scales: "Guidance scales",
  devices: "Devices",
};

/** Seconds in two digits: a forecast is no better. */
const about = (seconds: number) =>
  formatSeconds(seconds < 60 ? Number(seconds.toPrecision(2)) : Math.round(seconds / 5) * 5);

/** One line for each panel, and one for all of them. */
export function formatPrices({ panels, memory }: ExplanationPrice): readonly string[] {
  const rows = panels.map(({ panel, drawings, seconds, bytes }) => [
    panel,
    `${drawings} ${drawings === 1 ? "drawing" : "drawings"}`,
    about(seconds),
    formatBytes(bytes),
    panelTitles[panel],
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  const all = panels.reduce((sum, { seconds }) => sum + seconds, 0);
  const most = Math.max(...panels.map(({ bytes }) => bytes));
  const guess = panels.every(({ isMeasured }) => isMeasured)
    ? ""
    : " (estimated: this model has not drawn here yet)";
  const free = `${formatBytes(memory.free)} are free`;
  const room = most <= memory.free ? free : `but only ${free}`;
  return [...lines, `Together about ${about(all)} and ${formatBytes(most)} of memory${guess}; ${room}.`];
}
