// A request's prompts as the denoiser takes them: understood, encoded once per variant, and scheduled over the steps.
import { listSome, showText } from "../../../errors.js";
import { drawPlacement, placementChannels } from "../../../models/index.js";
import { checkAborted } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import type { PromptTokens } from "../../probe.js";
import { type Conditionings, nameParts, splitComposition } from "../../prompt/composition.js";
import {
  mapSchedule,
  type Scheduled,
  type ScheduledPart,
  schedulePrompt,
} from "../../prompt/prompt-editing.js";
import { findUnsupportedSyntax } from "../../prompt/unsupported-syntax.js";
import type { NishikiParts } from "./family.js";
import {
  describeWords,
  type Embed,
  type KnownWords,
  keepKnown,
  meanState,
  understand,
} from "./known-words.js";
import type { ModelManifest } from "./manifest.js";
import { encodePrompt, getNoPrompt, type NetworkSessions, type PromptEmbeddings } from "./networks.js";
import { placeThings } from "./place-things.js";
import { makePlanner } from "./planner/planner.js";
import { seesPlacement } from "./programs.js";
import { describeForms } from "./prompt-forms.js";

export interface EncodedPrompts {
  readonly embeddings: Conditionings<Scheduled<PromptEmbeddings>>;
  /** Those of the first step. */
  readonly tokens: Conditionings<PromptTokens>;
  /** One sentence each, without repetitions. */
  readonly warnings: readonly string[];
}

type PromptName = "prompt" | "negativePrompt";

/** A prompt as it was read, and encoded. */
interface ReadPrompt {
  readonly text: string;
  readonly tokens: PromptTokens;
  /** Undefined for an empty negative prompt, which is no prompt. */
  readonly embeddings: PromptEmbeddings | undefined;
}

const titles = { prompt: "prompt", negativePrompt: "negative prompt" } as const;
const noTokens: PromptTokens = { text: "", tokens: [], words: [] };

class PromptReader {
  readonly warnings = new Set<string>();
  readonly #parts: NishikiParts;
  readonly #sessions: NetworkSessions;
  readonly #signal: AbortSignal | undefined;

  constructor(parts: NishikiParts, sessions: NetworkSessions, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#signal = signal;
  }

  /** Replaces what the model does not know, then encodes. */
  async read(name: PromptName, text: string): Promise<ReadPrompt> {
    this.#warn(findUnsupportedSyntax(text, "words", titles[name], name === "prompt"));
    const understood = await this.#understand(name, text);
    if (name === "negativePrompt" && understood === "")
      return { text: understood, tokens: noTokens, embeddings: undefined };
    const { embeddings, dropped, tokens } = await this.#encode(understood);
    if (dropped.length > 0) {
      const { maxTokens } = this.#parts.manifest;
      const limit = `The ${titles[name]} exceeds the model's limit of ${maxTokens} tokens`;
      this.#warn([`${limit}; ignored: ${showText(dropped.join(" "), { limit: 300 })}`]);
    }
    return { text: understood, embeddings, tokens };
  }

  /** What a plan would draw of a prompt that is not understood as it stands. */
  #offerPlan(text: string, known: KnownWords): string[] {
    const { prompt } = makePlanner(known, this.#parts.manifest.scenes).plan(text);
    return prompt === null ? [] : [`A plan (--plan) would draw: "${prompt}".`];
  }

  #warn(messages: readonly string[]): void {
    for (const message of messages) this.warnings.add(message);
  }

  #encode(text: string) {
    checkAborted(this.#signal);
    const { tokenizer, manifest } = this.#parts;
    return encodePrompt(this.#sessions.textEncoder, tokenizer, manifest, text);
  }

  async #understand(name: PromptName, text: string): Promise<string> {
    const { words: known } = this.#parts;
    if (!known) return text;
    const embed: Embed = async (one) => {
      const { states, mask } = (await this.#encode(one)).embeddings;
      return meanState(states, mask);
    };
    if (name === "prompt") {
      const words = await understand(text, known, embed);
      const forms = describeForms(text, words.prompt, known, this.#parts.manifest.scenes?.kinds);
      this.#warn([...describeWords(words), ...forms]);
      if (words.unknown.length + forms.length > 0) this.#warn(this.#offerPlan(text, known));
      return words.prompt;
    }
    const { kept, leftOut } = await keepKnown(text, known, embed);
    if (leftOut.length > 0) {
      const list = listSome(
        leftOut.map((part) => showText(part)),
        20,
      );
      this.#warn([`Ignoring parts of the negative prompt that the model does not know: ${list}.`]);
    }
    return kept;
  }
}

/**
 * Reads and encodes the prompts of a request.
 * @param steps The steps that are taken, over which prompts may change.
 */
export async function encodePrompts(
  parts: NishikiParts,
  sessions: NetworkSessions,
  settings: ImageSettings,
  steps: number,
  signal: AbortSignal | undefined,
): Promise<EncodedPrompts> {
  const reader = new PromptReader(parts, sessions, signal);
  const read = (name: PromptName, prompt: string) =>
    mapSchedule(schedulePrompt(prompt, steps), (text) => reader.read(name, text));
  const composed = splitComposition(settings.prompt);
  const prompts: Scheduled<ReadPrompt>[] = [];
  for (const { text } of composed) prompts.push(await read("prompt", text));
  const negatives = await read("negativePrompt", settings.negativePrompt);
  const firsts = prompts.map(([part]) => part!.value);
  const none = getNoPrompt(firsts[0]!.embeddings!);
  // The layout is decided in the first steps. Guidance should only strengthen the words, so both sides share the placement.
  // So do the parts of a composed prompt: each moves the whole image, and they should agree about where things are.
  const drawn = firsts.filter((_, i) => composed[i]!.weight > 0).map(({ text }) => text);
  const placement = parts.words && place(drawn.join(" and "), parts.words, settings, parts.manifest);
  const finish = ({ until, value: { embeddings = none } }: ScheduledPart<ReadPrompt>) => ({
    until,
    value: placement ? { ...embeddings, placement } : embeddings,
  });
  return {
    embeddings: nameParts(
      prompts.map((part) => part.map(finish)),
      negatives.map(finish),
    ),
    tokens: nameParts(
      firsts.map(({ tokens }) => tokens),
      negatives[0]!.value.tokens,
    ),
    warnings: [...reader.warnings],
  };
}

/** The placement map of a prompt's objects; undefined if an init image or nothing determines it. */
function place(
  prompt: string,
  known: KnownWords,
  { init, inpaint }: ImageSettings,
  { latents: { shape }, parts }: ModelManifest,
): Float32Array | undefined {
  if (!seesPlacement(parts.denoiser.config) || init !== undefined || inpaint !== undefined) return undefined;
  const boxes = placeThings(prompt, known);
  if (!boxes) return undefined;
  const map = new Float32Array(shape[0] * shape[1] * placementChannels);
  drawPlacement(boxes, shape[0], map);
  return map;
}
