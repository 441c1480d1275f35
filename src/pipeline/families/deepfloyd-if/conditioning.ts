// Encodes DeepFloyd IF's prompts by T5. The states are the same in all stages.
import type { HostTensor } from "../../../engine/index.js";
import { getT5Buckets, splitT5Layers, type T5EncoderConfig, type T5Layers } from "../../../models/index.js";
import { encodeT5, type T5Tokenizer } from "../../../tokenizer/index.js";
import { checkAborted } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import { mapSchedules, type PromptSchedules, schedulePrompts } from "../../prompt/prompt-rows.js";
import { findUnsupportedSyntax } from "../../prompt/unsupported-syntax.js";
import { f32, floats } from "../../tensors.js";
import type { Networks } from "./networks.js";
import { promptTokens } from "./programs.js";

/** The states of the prompt's parts and of the negative prompt over the steps of a stage, `[tokens, width]` each. */
export type StatesSchedule = PromptSchedules<Float32Array>;

export interface EncodedPrompts {
  /** In the order of the stages. */
  readonly stages: readonly StatesSchedule[];
  readonly warnings: readonly string[];
}

/** As diffusers prepares prompts where it does not clean captions of what stood around pictures on the web. */
const simplify = (prompt: string) => prompt.toLowerCase().trim();

/** Prompts whose states are kept: encoding takes T5-XXL, whose weights are those of several denoisers. */
const mostKept = 32;

/** Encodes prompts, and remembers the latest. */
export class PromptEncoder {
  readonly #config: T5EncoderConfig;
  readonly #tokenizer: T5Tokenizer;
  readonly #parts: readonly T5Layers[];
  readonly #kept = new Map<string, Float32Array>();

  /** @param parts The parts in which the encoder runs. */
  constructor(
    config: T5EncoderConfig,
    tokenizer: T5Tokenizer,
    parts: readonly T5Layers[] = splitT5Layers(config),
  ) {
    this.#parts = parts;
    this.#config = config;
    this.#tokenizer = tokenizer;
  }

  /** Tokens of a prompt, without the one at its end. */
  count(prompt: string): number {
    return this.#tokenizer.encode(simplify(prompt)).length;
  }

  /** @param steps The steps that each stage takes. @throws NishikiError "usage" for prompts that cannot be read */
  async encode(
    settings: ImageSettings,
    steps: readonly number[],
    networks: Networks,
  ): Promise<EncodedPrompts> {
    const schedules = steps.map((count) => schedulePrompts(settings, count));
    const named = schedules.flatMap((schedule) =>
      Object.entries(schedule).flatMap(([conditioning, parts]) => {
        const name = conditioning === "uncond" ? "negative prompt" : "prompt";
        return parts.map(({ value: text }) => ({ name, text }));
      }),
    );
    const texts = new Set(named.map(({ text }) => simplify(text)));
    const missing = [...texts].filter((text) => !this.#kept.has(text));
    if (missing.length > 0) await this.#run(missing, networks);
    const states = new Map([...texts].map((text) => [text, this.#kept.get(text)!]));
    this.#forget(texts);
    const warnings = named.flatMap(({ name, text }) => [
      ...findUnsupportedSyntax(text, "words", name, name === "prompt"),
      ...this.#warn(name, text),
    ]);
    return {
      stages: schedules.map((schedule) => mapSchedules(schedule, (text) => states.get(simplify(text))!)),
      warnings: [...new Set(warnings)],
    };
  }

  async #run(texts: readonly string[], networks: Networks): Promise<void> {
    const { ids, mask } = encodeT5(this.#tokenizer, texts, promptTokens);
    const shape = [texts.length, promptTokens];
    const buckets = getT5Buckets(this.#config, promptTokens);
    const inputs = {
      mask: f32(mask, ...shape),
      buckets: { dtype: "i32" as const, shape: [promptTokens, promptTokens], data: buckets },
    };
    let earlier: HostTensor | undefined;
    for (const part of this.#parts) {
      checkAborted(networks.signal);
      const feeds = {
        ...inputs,
        ...(earlier ? { earlier } : { ids: { dtype: "i32" as const, shape, data: ids } }),
      };
      const outputs = await networks.use({ part: "text encoder", ...part }, (session) => session.run(feeds));
      earlier = outputs.states!;
    }
    const states = floats({ states: earlier! }, "states");
    const size = promptTokens * this.#config.width;
    for (const [i, text] of texts.entries()) this.#kept.set(text, states.slice(i * size, (i + 1) * size));
  }

  /** Forgets the oldest states, but none of these. */
  #forget(inUse: ReadonlySet<string>): void {
    for (const text of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) return;
      if (!inUse.has(text)) this.#kept.delete(text);
    }
  }

  #warn(name: string, text: string): string[] {
    const tokens = this.count(text);
    const room = promptTokens - 1;
    if (tokens <= room) return [];
    return [
      `The ${name} has ${tokens} tokens, over the limit of ${room}; the last ${tokens - room} are ignored.`,
    ];
  }
}
