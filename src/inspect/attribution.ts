// Where each word of a prompt went: attention of image positions to words, summed over a drawing's evaluations (DAAM: Tang et
// al. 2023, arXiv:2210.04885). Only the prompt's own evaluations count, not those without it.
import { NishikiError } from "../errors.js";
import type {
  AttentionMap,
  AttentionRecord,
  Conditioning,
  PromptTokens,
  PromptWord,
} from "../pipeline/index.js";

/** A word's share of the attention, over the image. */
export interface WordMap {
  readonly word: string;
  /** Index among the prompt's words. */
  readonly index: number;
  readonly height: number;
  readonly width: number;
  /** [height, width]: the mean attention of a position to the word, 0 to 1, over steps, layers and heads. */
  readonly data: Float32Array;
  /** The word's share of the whole image's attention to words, 0 to 1. */
  readonly share: number;
}

export interface AttributionOptions {
  /** Whose words: "cond" is the prompt, "uncond" the negative prompt. Default "cond". */
  readonly conditioning?: Conditioning;
  /** Which of a network's maps count. Default: all. On composed scenes, regions or attention alone found things worse. */
  readonly accept?: (map: AttentionMap) => boolean;
}

interface Sum {
  readonly height: number;
  readonly width: number;
  readonly tokens: number;
  readonly data: Float64Array;
  evaluations: number;
}

/** Collects the attention of a drawing; pass `add` to a probe as `onAttention`. */
export class Attribution {
  readonly #sums = new Map<string, Sum>();
  readonly #conditioning: Conditioning;
  readonly #accept: (map: AttentionMap) => boolean;

  constructor({ conditioning = "cond", accept = () => true }: AttributionOptions = {}) {
    this.#conditioning = conditioning;
    this.#accept = accept;
  }

  /** Adds an evaluation. */
  readonly add = ({ conditioning, maps }: AttentionRecord): void => {
    if (conditioning !== this.#conditioning) return;
    for (const map of maps.filter(this.#accept)) this.#addMap(map);
  };

  #addMap({ layer, height, width, tokens, data }: AttentionMap): void {
    const key = `${layer} ${height}x${width}`;
    let sum = this.#sums.get(key);
    if (!sum) {
      sum = { height, width, tokens, data: new Float64Array(data.length), evaluations: 0 };
      this.#sums.set(key, sum);
    }
    sum.evaluations++;
    for (let i = 0; i < data.length; i++) sum.data[i]! += data[i]!;
  }

  /**
   * The map of every word, on the finest grid that was recorded.
   * @throws NishikiError "usage" if nothing was recorded
   */
  wordMaps({ words }: PromptTokens): readonly WordMap[] {
    const sums = [...this.#sums.values()];
    if (sums.length === 0) {
      throw new NishikiError("usage", "No attention was recorded: pass the attribution's `add` to a probe.");
    }
    const finest = sums.reduce((a, b) => (b.height * b.width > a.height * a.width ? b : a));
    const { height, width } = finest;
    const maps = words.map((word) => {
      const mean = new Float32Array(height * width);
      for (const sum of sums) {
        const map = resizeMap(sumWord(sum, word), sum, finest);
        for (let i = 0; i < mean.length; i++) mean[i]! += map[i]! / (sums.length * sum.evaluations);
      }
      return mean;
    });
    const totals = maps.map((map) => map.reduce((a, b) => a + b, 0));
    const all = totals.reduce((a, b) => a + b, 0);
    return words.map(({ text: word }, index) => {
      const share = all === 0 ? 0 : totals[index]! / all;
      return { word, index, height, width, data: maps[index]!, share };
    });
  }
}

/** A word's attention at each position: the mean of its tokens. */
function sumWord({ height, width, tokens, data }: Sum, { positions }: PromptWord): Float64Array {
  const map = new Float64Array(height * width);
  for (let cell = 0; cell < map.length; cell++)
    for (const position of positions) map[cell]! += data[cell * tokens + position]! / positions.length;
  return map;
}

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Resizes a map with half-pixel centres: bilinear, so that no value leaves the range of its neighbours. */
export function resizeMap(map: ArrayLike<number>, from: Size, to: Size): Float64Array {
  const rows = makeAxis(from.height, to.height);
  const columns = makeAxis(from.width, to.width);
  const out = new Float64Array(to.height * to.width);
  rows.forEach(([top, bottom, down], y) => {
    columns.forEach(([left, right, across], x) => {
      const upper = mix(map[top * from.width + left]!, map[top * from.width + right]!, across);
      const lower = mix(map[bottom * from.width + left]!, map[bottom * from.width + right]!, across);
      out[y * to.width + x] = mix(upper, lower, down);
    });
  });
  return out;
}

const mix = (a: number, b: number, share: number) => a + (b - a) * share;

/** For each target position: its two source positions, and the share of the second. */
function makeAxis(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const low = Math.floor(at);
    return [low, Math.min(from - 1, low + 1), at - low] as const;
  });
}

/** The words at a place, strongest first. @param x,y 0 to 1, from the top left */
export function wordsAt(
  maps: readonly WordMap[],
  x: number,
  y: number,
): readonly { readonly word: string; readonly share: number }[] {
  return maps
    .map(({ word, width, height, data }) => {
      const column = Math.min(width - 1, Math.floor(x * width));
      const row = Math.min(height - 1, Math.floor(y * height));
      return { word, share: data[row * width + column]! };
    })
    .sort((a, b) => b.share - a.share);
}
