// CLIP's image encoder at work: from images as they come to their embeddings or states.
import type { Session } from "../../engine/index.js";
import { NishikiError } from "../../errors.js";
import { type ClipVisionConfig, type ConfigRecord, readClipVisionConfig } from "../../models/index.js";
import type { InputImage } from "../pixels.js";
import { f32, floats, stack } from "../tensors.js";
import { type ImageProcessor, processImage, readImageProcessor } from "./image-processor.js";
import type { VisionOutput } from "./program.js";

/** An image encoder without its weights. */
export interface ImageEncoderModel {
  readonly config: ClipVisionConfig;
  readonly processor: ImageProcessor;
}

/** Reads an image encoder's config and its image processor's. @throws NishikiError "checkpoint" */
export function readImageEncoder(json: ConfigRecord, processor: ConfigRecord): ImageEncoderModel {
  const config = readClipVisionConfig(json);
  return { config, processor: readImageProcessor(processor, config.imageSide) };
}

/** Runs work with a session of the encoder's program that has this output. */
export type UseImageEncoder = <T>(output: VisionOutput, work: (session: Session) => Promise<T>) => Promise<T>;

/**
 * Encodes images one at a time, so that an image's numbers do not depend on those beside it.
 * @returns For each image, its embedding `[projection]` or its states `[1 + patches, width]`.
 * @throws NishikiError "checkpoint" if the encoder returns numbers that are not finite
 */
export async function encodeImages(
  { config, processor }: ImageEncoderModel,
  images: readonly InputImage[],
  output: VisionOutput,
  use: UseImageEncoder,
): Promise<Float32Array[]> {
  const { imageSide: side } = config;
  return use(output, async (session) => {
    const all: Float32Array[] = [];
    for (const image of images) {
      const pixels = f32(stack([processImage(processor, image)]), 1, 3, side, side);
      const values = floats(await session.run({ pixels }), output);
      if (!values.every(Number.isFinite)) {
        const reason = "The image encoder returned values that are not finite; its weights are damaged.";
        throw new NishikiError("checkpoint", `${reason} Download it again.`);
      }
      all.push(values);
    }
    return all;
  });
}
