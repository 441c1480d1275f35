// The programs of DeepFloyd IF's networks. Batch and size are symbols: one session serves all sizes.
import { type Program, trace } from "../../../graph/index.js";
import { embedT5, type T5EncoderConfig, type T5Layers, t5EncoderPart } from "../../../models/index.js";

/** The tokens of a prompt: IF was trained on texts of this length. */
export const promptTokens = 77;

/**
 * A part of the encoder: ids `[texts, tokens]`, or "earlier", the states of the part before, mask `[texts, tokens]` and buckets
 * `[tokens, tokens]` → states `[texts, tokens, width]`. Default: all of it.
 */
export function traceTextEncoder(
  config: T5EncoderConfig,
  part: T5Layers = { from: 0, to: config.layers },
): Program {
  return trace((tracer) => {
    const shape = ["texts", "tokens"];
    const scope = tracer.scope();
    const x =
      part.from === 0
        ? embedT5(scope, config, tracer.input("ids", shape, "i32"))
        : tracer.input("earlier", [...shape, config.width]);
    const inputs = {
      x,
      mask: tracer.input("mask", shape),
      buckets: tracer.input("buckets", ["tokens", "tokens"], "i32"),
    };
    return { states: t5EncoderPart(scope, config, inputs, part) };
  });
}
