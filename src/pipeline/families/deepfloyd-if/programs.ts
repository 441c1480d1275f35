// The programs of DeepFloyd IF's networks. Batch and size are symbols: one session serves all sizes.
import { type Program, trace } from "../../../graph/index.js";
import { type T5EncoderConfig, t5Encoder } from "../../../models/index.js";

/** The tokens of a prompt: IF was trained on texts of this length. */
export const promptTokens = 77;

/** ids and mask `[texts, tokens]`, buckets `[tokens, tokens]` → states `[texts, tokens, width]`. */
export function traceTextEncoder(config: T5EncoderConfig): Program {
  return trace((tracer) => {
    const inputs = {
      ids: tracer.input("ids", ["texts", "tokens"], "i32"),
      mask: tracer.input("mask", ["texts", "tokens"]),
      buckets: tracer.input("buckets", ["tokens", "tokens"], "i32"),
    };
    return { states: t5Encoder(tracer.scope(), config, inputs) };
  });
}
