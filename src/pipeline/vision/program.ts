// The program of CLIP's image encoder. The batch is a symbol: one session serves any number of images.
import { type Program, trace } from "../../graph/index.js";
import { type ClipVisionConfig, clipVision } from "../../models/index.js";

/** What an image encoder gives: the embedding, or the states before its last layer, which have more detail. */
export type VisionOutput = "embedding" | "penultimate";

/** pixels `[batch, 3, side, side]` → embedding `[batch, projection]` or penultimate `[batch, 1 + patches, width]`. */
export function traceImageEncoder(config: ClipVisionConfig, output: VisionOutput = "embedding"): Program {
  return trace((tracer) => {
    const pixels = tracer.input("pixels", ["batch", 3, config.imageSide, config.imageSide]);
    return { [output]: clipVision(tracer.scope(), config, pixels)[output] };
  });
}
