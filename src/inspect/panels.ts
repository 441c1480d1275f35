// The panels of an explanation, and what each draws: beside the drawing itself, anyone may be left out.
import { type ImageSettings, splitComposition } from "../pipeline/index.js";
import { type PanelName, panelNames, usualPanels } from "./panel-names.js";
import { withoutWord } from "./prompt-words.js";
import { canMeasureWords, mostWords } from "./word-pull.js";

/** How much is drawn. */
export interface Amounts {
  /** Which panels; the drawing itself always is one. Default: all but "devices". */
  readonly panels?: readonly PanelName[];
  /** Other seeds to draw. Default 15. */
  readonly seeds?: number;
  /** Steps of those. Default: the drawing's own. */
  readonly seedSteps?: number;
  /** The most words to leave out, one at a time. Default 5. */
  readonly words?: number;
  /** Guidance scales to draw. Default 1, 2, 8 and 15, beside the drawing's own. */
  readonly scales?: readonly number[];
}

export const usualAmounts = { seeds: 15, words: 5, scales: [1, 2, 8, 15] } as const;

/** Shares of the steps at which the arrow of guidance is drawn: from noise alone, and when a picture begins to show. */
export const arrowPlaces = [0, 0.3] as const;
/** Predictions of each arrow: without the prompt, with it, at the drawing's scale and at twice that. */
export const getArrowScales = (scale: number) => [0, 1, scale, 2 * scale] as const;

/** Steps after which a word joins. */
export const getSwitchSteps = (steps: number): readonly number[] => [
  ...new Set([0.2, 0.4, 0.6, 0.8].map((share) => Math.max(1, Math.round(share * steps)))),
];

/** Whether a prompt has signs that mean something in prompts that change while they are drawn. */
const hasSyntax = (prompt: string) => /[[\]|:]/.test(prompt);

/** Whether a distilled network draws, whose guidance is fixed and whose attention is not seen. */
export const isUnguided = ({ fast, guidance }: Pick<ImageSettings, "fast" | "guidance">) =>
  fast === true && guidance === 1;

/** Guidance scales that are drawn beside the request's own. */
export const getOtherScales = (
  settings: Pick<ImageSettings, "fast" | "guidance">,
  scales: readonly number[] = usualAmounts.scales,
) => (isUnguided(settings) ? [] : scales.filter((scale) => scale !== settings.guidance));

/** Whether a request's prompt can be taken apart word by word. */
export const canTakeApart = (settings: ImageSettings) => settings.guidance > 1 && canMeasureWords(settings);

/** Whether a word may join a request's prompt later. */
export const canSwitch = (settings: ImageSettings) =>
  canTakeApart(settings) && !hasSyntax(settings.prompt) && !settings.init;

/** What is drawn for a panel. Evaluations are counted in those of one drawing of the request. */
export interface PanelPlan {
  readonly panel: PanelName;
  /** Images, and predictions that stop early. */
  readonly drawings: number;
  /** Steps of all of them. */
  readonly steps: number;
  /** Evaluations of the networks that read the prompt, predict, and make pixels of latents. */
  readonly text: number;
  readonly denoise: number;
  readonly decode: number;
  /** Rows that the denoiser evaluates together, beside a drawing's own. */
  readonly rows: number;
}

export interface PlanOptions extends Amounts {
  /** Ordinary prompts to measure, which are not known yet. Default 0. */
  readonly ordinaryPrompts?: number;
  /** Evaluations of the decoder for a preview: 0 if another, small network makes previews. Default 1. */
  readonly previewCost?: number;
  /** Threads of the CPU, if that is the device: with "devices", one thread draws too. */
  readonly threads?: number;
}

/** About the words that can be left out, before the model has read the prompt. */
function countVariants(prompt: string, most: number): number {
  const words = (prompt.match(/[\p{L}\p{N}]+/gu) ?? []).map((text) => ({ text, positions: [] }));
  return withoutWord(prompt, { text: prompt, tokens: [], words }, [], most).length;
}

/**
 * What an explanation draws, panel by panel, in order. Panels that this request cannot have are left out.
 * @param settings Completed.
 */
export function planPanels(settings: ImageSettings, options: PlanOptions = {}): readonly PanelPlan[] {
  const { panels = usualPanels, seeds = usualAmounts.seeds, words = usualAmounts.words } = options;
  const { steps, guidance, prompt } = settings;
  const seedSteps = Math.min(steps, options.seedSteps ?? steps);
  const variants = countVariants(prompt, words);
  const parts = splitComposition(prompt).length;
  /** Rows of a guided step, and a single row as a share of all of a drawing's. */
  const rows = guidance > 1 ? parts + 1 : parts;
  const row = 1 / (rows * steps);
  const preview = options.previewCost ?? 1;
  const wholeDrawings = (drawings: number, share = 1) => ({
    ...{ drawings, steps: Math.round(drawings * share * steps), rows: 1 },
    ...{ text: drawings, denoise: drawings * share, decode: drawings },
  });
  const makers: Readonly<Record<PanelName, () => Omit<PanelPlan, "panel"> | undefined>> = {
    drawing: () => ({ ...wholeDrawings(1), decode: 1 + steps * preview }),
    pull: () => {
      const drawings = 1 + (options.ordinaryPrompts ?? 0);
      const denoise = drawings * 2 * row;
      return isUnguided(settings)
        ? undefined
        : { drawings, steps: drawings, text: drawings, denoise, decode: 0, rows: 1 };
    },
    "leave-out": () => wholeDrawings(variants),
    seeds: () => {
      const all = wholeDrawings(seeds, seedSteps / steps);
      // The first prediction without guidance stands beside them.
      const first = { text: all.text + 1, denoise: all.denoise + parts * row, decode: all.decode + preview };
      return seeds === 0 ? undefined : { ...all, drawings: seeds + 1, steps: all.steps + 1, ...first };
    },
    "word-pull": () => {
      const share = (2 + Math.min(variants, mostWords)) / 2;
      const all = { ...wholeDrawings(1), text: share, denoise: share, rows: share };
      return canTakeApart(settings) && variants > 0 ? all : undefined;
    },
    arrow: () => (canTakeApart(settings) ? planArrows(settings, row, preview) : undefined),
    switch: () => {
      const all = wholeDrawings(getSwitchSteps(steps).length);
      return canSwitch(settings) && variants > 0 ? { ...all, text: 1.5 * all.drawings } : undefined;
    },
    scales: () => {
      const others = getOtherScales(settings, options.scales);
      // Without guidance, half of the rows are left.
      const shares = others.map((scale) => (scale > 1 ? (parts + 1) / rows : parts / rows));
      return { ...wholeDrawings(others.length), denoise: shares.reduce((a, b) => a + b, 0) };
    },
    devices: () => wholeDrawings(2 + 2 * (options.threads ?? 0)),
  };
  return panelNames
    .filter((panel) => panel === "drawing" || panels.includes(panel))
    .flatMap((panel) => {
      const plan = makers[panel]();
      return plan && plan.drawings > 0 ? [{ panel, ...plan }] : [];
    });
}

/** Up to an arrow's step the prompt alone leads, so one row is evaluated. */
function planArrows(
  { steps, guidance }: ImageSettings,
  row: number,
  preview: number,
): Omit<PanelPlan, "panel"> {
  const each = getArrowScales(guidance).length;
  const places = arrowPlaces.map((place) => Math.round(place * steps));
  const drawings = each * places.length;
  const taken = places.map((step) => each * (step + 1)).reduce((a, b) => a + b, 0);
  const denoise = (taken + drawings) * row;
  return { drawings, steps: taken, text: drawings, denoise, decode: drawings * preview, rows: 1 };
}
