// What becomes of an image before CLIP's image encoder sees it, as transformers publishes it (preprocessor_config.json of
// CLIPImageProcessor): scaled to the shorter side, cropped in the middle, normalised by mean and deviation.
import { NishikiError } from "../../errors.js";
import { resizeBicubic } from "../../image/index.js";
import { type ConfigRecord, readConfig } from "../../models/index.js";
import { flag, numberBetween, wholeNumber, z } from "../../schema/index.js";
import type { Pixels } from "../pixels.js";

export interface ImageProcessor {
  /** Side of the square images that it makes, in pixels. */
  readonly side: number;
  /** The shorter side before the crop. */
  readonly scaledSide: number;
  /** Of the channels red, green and blue in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const side = wholeNumber(1, 4096);
const shorterSide = z
  .union([side, z.looseObject({ shortest_edge: side })])
  .meta({ expected: "a whole number up to 4096, or { shortest_edge }" });
const cropSide = z
  .union([side, z.looseObject({ height: side, width: side })])
  .meta({ expected: "a whole number up to 4096, or { height, width }" });
const channels = (usual: [number, number, number], least: number) =>
  z.array(numberBetween(least, 10)).length(3).default(usual);

const schema = z.looseObject({
  size: shorterSide.optional(),
  crop_size: cropSide.optional(),
  resample: z.literal(3).optional(),
  rescale_factor: numberBetween(0.003, 0.004).optional(),
  do_resize: z.literal(true).optional(),
  do_center_crop: z.literal(true).optional(),
  do_rescale: z.literal(true).optional(),
  do_normalize: z.literal(true).optional(),
  do_convert_rgb: flag.optional(),
  image_mean: channels([0.48145466, 0.4578275, 0.40821073], -10),
  image_std: channels([0.26862954, 0.26130258, 0.27577711], 1e-6),
});

/**
 * Reads a `preprocessor_config.json`.
 * @param imageSide Of the encoder, which is also what an empty config means.
 * @throws NishikiError "checkpoint" for unsupported steps, or images of another size than the encoder's
 */
export function readImageProcessor(json: ConfigRecord, imageSide: number): ImageProcessor {
  const name = "CLIPImageProcessor";
  const { size = imageSide, crop_size: crop = imageSide, ...rest } = readConfig(name, schema, json);
  const scaledSide = typeof size === "number" ? size : size.shortest_edge;
  const { height, width } = typeof crop === "number" ? { height: crop, width: crop } : crop;
  if (height !== imageSide || width !== imageSide) {
    const expected = `crop_size: expected ${imageSide}, the image_size of the image encoder`;
    throw new NishikiError("checkpoint", `${name} config: ${expected}, got ${width}x${height}.`);
  }
  if (scaledSide < imageSide) {
    const expected = `size: expected at least ${imageSide}, the size of the crop`;
    throw new NishikiError("checkpoint", `${name} config: ${expected}, got ${scaledSide}.`);
  }
  return { side: imageSide, scaledSide, mean: rest.image_mean, std: rest.image_std };
}

/** Prepares an image for the encoder: `[3, side, side]`. The same numbers as transformers' with Pillow, to a rounding. */
export function processImage(
  { side, scaledSide, mean, std }: ImageProcessor,
  image: Pick<Pixels, "width" | "height" | "channels" | "data">,
): Float32Array {
  const short = Math.min(image.width, image.height);
  const scaleTo = (length: number) =>
    length === short ? scaledSide : Math.trunc((scaledSide * length) / short);
  const size = { width: scaleTo(image.width), height: scaleTo(image.height) };
  const middle = (length: number) => Math.floor((length - side) / 2);
  const box = { left: middle(size.width), top: middle(size.height), width: side, height: side };
  const { data } = resizeBicubic(image, size, box);
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const channel = Math.floor(i / (side * side));
    const value = data[3 * (i % (side * side)) + channel]! / 255;
    return (value - mean[channel]!) / std[channel]!;
  });
}
