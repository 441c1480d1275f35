// Looking inside a drawing: what the denoiser attends to and predicts, evaluation by evaluation. A probe is passed with a
// request; it changes nothing but the kernel that computes attention, so images may differ in their last bits.
import type { HostTensor } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { add, type Dim, mean, type Tensor } from "../graph/index.js";
import type { Conditioning } from "./plan.js";
import { floats } from "./tensors.js";

/** Tokens of a prompt, as the denoiser attends to them. */
export interface PromptTokens {
  /** The text that was encoded: unknown words may have been replaced. */
  readonly text: string;
  /** Text of each token by its position, including those at the ends; "" for padding. */
  readonly tokens: readonly string[];
  /** The words, in order, with the positions of their tokens. */
  readonly words: readonly PromptWord[];
  /** Positions of one text of the encoder, with the marks at its ends, where a longer prompt is read as several texts. */
  readonly room?: number;
}

export interface PromptWord {
  readonly text: string;
  readonly positions: readonly number[];
}

/** Attention of a grid of latent positions to the tokens of a prompt, summed over layers of one size. */
export interface AttentionMap {
  /** "attention" for cross-attention, "regions" for the embedded model's grid of regions. */
  readonly kind: "attention" | "regions";
  /** Name of the network's layer. */
  readonly layer: string;
  readonly height: number;
  readonly width: number;
  readonly tokens: number;
  /** [height, width, tokens], mean over heads. */
  readonly data: Float32Array;
}

/** One evaluation of a denoiser, for one conditioning. */
export interface AttentionRecord {
  /** The network's own time. */
  readonly time: number;
  readonly conditioning: Conditioning;
  readonly maps: readonly AttentionMap[];
  /** The grid of the latents, of which maps may be coarser. */
  readonly latents?: { readonly height: number; readonly width: number };
}

/** One evaluation's predictions, before guidance. */
export interface PredictionRecord {
  readonly stage: string;
  readonly sigma: number;
  /** Noisy latents. */
  readonly x: Float32Array;
  /** Denoised latents (x̂0) of each conditioning that was evaluated. */
  readonly denoised: Readonly<Partial<Record<Conditioning, Float32Array>>>;
}

/** Receives what a drawing's denoiser does. Arrays belong to the receiver. */
export interface Probe {
  /** The tokens of the prompts, once for a request. */
  onTokens?(tokens: Readonly<Record<Conditioning, PromptTokens>>): void;
  /** Costs a few percent, and up to 2 MB for an evaluation. */
  onAttention?(record: AttentionRecord): void;
  onPrediction?(record: PredictionRecord): void;
}

/** A recorded attention of image positions to tokens: `probabilities [batch, heads, positions, keys]`. */
export interface AttentionLayer {
  readonly kind: AttentionMap["kind"];
  readonly layer: string;
  /** `[batch, heads, positions, tokens]`, or `[batch, positions, tokens]` if there are no heads. */
  readonly probabilities: Tensor;
}

const prefix = "inside:";

/**
 * Outputs of a program that hold its attention, reduced: the mean over heads, summed over layers of the same size.
 * `[batch, positions, tokens]` each.
 */
export function summarizeAttention(layers: readonly AttentionLayer[]): Record<string, Tensor> {
  const sums = new Map<string, { name: string; tensor: Tensor }>();
  for (const { kind, layer, probabilities } of layers) {
    const map = probabilities.shape.length === 4 ? mean(probabilities, 1) : probabilities;
    const size: Dim = map.shape[1]!;
    const key = `${kind} ${size}`;
    const before = sums.get(key);
    sums.set(key, {
      name: before?.name ?? `${prefix}${kind}:${layer}`,
      tensor: before ? add(before.tensor, map) : map,
    });
  }
  return Object.fromEntries([...sums.values()].map(({ name, tensor }) => [name, tensor]));
}

/** Height and width of a grid. */
interface Grid {
  readonly height: number;
  readonly width: number;
}

/** The grid of this many positions: the latents' own, or one that was halved, rounding up, some times. */
function findGrid(positions: number, latents: Grid): Grid {
  let { height, width } = latents;
  while (height * width > positions) {
    height = Math.ceil(height / 2);
    width = Math.ceil(width / 2);
  }
  if (height * width === positions) return { height, width };
  const grid = `${positions} positions are no level of latents of ${latents.height}x${latents.width}`;
  throw new NishikiError("internal", `Attention: ${grid}.`);
}

/** Hands the reduced attention among a run's outputs to a probe, row by row of the batch. */
export function reportAttention(
  probe: Probe,
  outputs: Readonly<Record<string, HostTensor>>,
  run: { readonly time: number; readonly conditions: readonly Conditioning[]; readonly latents: Grid },
): void {
  const { time, conditions, latents } = run;
  const names = Object.keys(outputs).filter((name) => name.startsWith(prefix));
  conditions.forEach((conditioning, row) => {
    const maps = names.map((name): AttentionMap => {
      const [kind, layer] = name.slice(prefix.length).split(":") as [AttentionMap["kind"], string];
      const [batch, positions, tokens] = outputs[name]!.shape as [number, number, number];
      const all = floats(outputs, name);
      const size = all.length / batch;
      const data = all.slice(row * size, (row + 1) * size);
      return { kind, layer, ...findGrid(positions, latents), tokens, data };
    });
    probe.onAttention?.({ time, conditioning, maps, latents });
  });
}

/** A prompt whose words are ranges of its tokens. Punctuation around a word does not belong to it. */
export function makePromptTokens(
  text: string,
  tokens: readonly string[],
  ranges: readonly { readonly text: string; readonly start: number; readonly end: number }[],
): PromptTokens {
  const isWord = (piece: string) => /[\p{L}\p{N}]/u.test(piece);
  const words = ranges
    .filter((range) => isWord(range.text))
    .map(({ text: word, start, end }) => ({
      text: word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ""),
      positions: Array.from({ length: end - start }, (_, i) => start + i).filter((at) => isWord(tokens[at]!)),
    }));
  return { text, tokens, words };
}
