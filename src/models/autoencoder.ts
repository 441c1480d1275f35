// A small convolutional autoencoder for 256×256 images: latents of 16×16×16 numbers, 48 times fewer. Packed, they are
// 32×32 cells of 4 channels.
// After Rombach et al. 2022 (arXiv:2112.10752, section 3.1), reduced to what two CPU cores can train: 8×8
// pixels are folded into channels at once, so no layer runs at full resolution. Images and latents are
// channels-last.
import {
  add,
  cast,
  foldPixels,
  layerNorm,
  mul,
  type Scope,
  silu,
  sub,
  type Tensor,
  unfoldPixels,
} from "../graph/index.js";
import { convLast, dense } from "../nn/index.js";
import { explain, flag, z } from "../schema/index.js";
import { residualStage } from "./residual-stage.js";
import { pairOf, repeats, size } from "./sizes.js";

/** The decoder's last stage, at 2/fold of the size: sharpens what the coarser stages have drawn. */
const fineSchema = z.strictObject({
  width: explain(size, "channels"),
  blocks: explain(repeats, "residual blocks"),
});

const sizes = z.strictObject({
  fold: explain(size, "pixels of a side that are folded into the first layer's channels"),
  widths: explain(pairOf(size), "channels at 1/fold and at 1/(2·fold) of the images' size"),
  encoderBlocks: explain(pairOf(repeats), "residual blocks of the encoder at each of the two sizes"),
  decoderBlocks: explain(pairOf(repeats), "residual blocks of the decoder at each of the two sizes"),
  latentChannels: explain(size, "channels of the latents"),
  /**
   * Latents of more cells with fewer channels each are smoother: more of an image's energy lies in coarse structure, so
   * a denoiser can settle that first. Packing them keeps their shape, as FLUX.1 does.
   */
  packed: explain(
    flag.optional(),
    "make latents at 1/fold of the size and pack 2×2 of their cells into the channels (default: false)",
  ),
  /**
   * What repeats at the same positions in every image, such as paper grain, need not pass through the latents
   * if the decoder knows the position.
   */
  positions: explain(
    size.optional(),
    "side of a table of positions at 1/fold of the size, for a decoder that knows where it is (default: none); " +
      "the decoder's fine stage has one of twice the side",
  ),
  /** Layers at 1/fold of the size draw each patch on its own; these see across the patches' borders. */
  decoderFine: explain(
    fineSchema.optional(),
    "last stage of the decoder at 2/fold of the size, which corrects the pixels (default: none)",
  ),
});

/** The sizes of an autoencoder. */
export const autoencoderSchema = sizes.superRefine(({ packed, latentChannels }, context) => {
  if (packed && latentChannels % 4 !== 0)
    context.addIssue({
      code: "custom",
      path: ["latentChannels"],
      message: `expected a multiple of 4 for packed latents, got ${latentChannels}`,
    });
});

export type AutoencoderConfig = z.infer<typeof autoencoderSchema>;

export const autoencoderConfigs = {
  /** The embedded model's: 256×256×3 → 16×16×16. */
  small: {
    fold: 8,
    widths: [96, 192],
    encoderBlocks: [3, 0],
    decoderBlocks: [3, 2],
    latentChannels: 16,
    packed: true,
    positions: 32,
    decoderFine: { width: 48, blocks: 1 },
  },
  /** For tests. */
  tiny: { fold: 8, widths: [8, 16], encoderBlocks: [1, 1], decoderBlocks: [1, 1], latentChannels: 4 },
} as const satisfies Record<string, AutoencoderConfig>;

/** The sizes that the encoder does not depend on. */
export const decoderSizes = [
  "decoderBlocks",
  "positions",
  "decoderFine",
] as const satisfies readonly (keyof AutoencoderConfig)[];

function blocks(scope: Scope, x: Tensor, count: number): Tensor {
  for (let i = 0; i < count; i++) x = residualStage(scope.child(i), x);
  return x;
}

/** What blocks at half the size see: `[batch, h, w, widths[0]]` → the same shape. */
function seeWide(scope: Scope, x: Tensor, widths: AutoencoderConfig["widths"], count: number): Tensor {
  const low = blocks(scope.child("low"), dense(scope.child("down"), foldPixels(x, 2), widths[1]), count);
  return unfoldPixels(dense(scope.child("up"), low, widths[0] * 4), 2);
}

/** Pixels `[batch, h, w, 3]` in [-1, 1] → latents `[batch, h/16, w/16, channels]` of about unit size. */
export function encode(scope: Scope, pixels: Tensor, config: AutoencoderConfig): Tensor {
  const { fold, widths, encoderBlocks, latentChannels, packed } = config;
  let x = dense(scope.child("stem"), foldPixels(pixels, fold), widths[0]); // [batch, 32, 32, 96]
  x = blocks(scope.child("high"), x, encoderBlocks[0]);
  if (packed) {
    // Without blocks at half the size, a shift of the image by a patch is a shift of its latents by a cell.
    if (encoderBlocks[1] > 0) x = add(x, seeWide(scope, x, widths, encoderBlocks[1]));
    return foldPixels(dense(scope.child("latents"), layerNorm(x), latentChannels / 4), 2); // [batch, 32, 32, 4], packed
  }
  x = dense(scope.child("down"), foldPixels(x, 2), widths[1]); // [batch, 16, 16, 192]
  x = blocks(scope.child("low"), x, encoderBlocks[1]);
  return dense(scope.child("latents"), layerNorm(x), latentChannels); // [batch, 16, 16, 16]
}

/** Latents `[batch, h, w, channels]` → pixels `[batch, 16·h, 16·w, 3]`, about [-1, 1] (not clipped). */
export function decode(scope: Scope, latents: Tensor, config: AutoencoderConfig): Tensor {
  const { fold, widths, decoderBlocks, positions, decoderFine } = config;
  let x: Tensor;
  if (config.packed) {
    x = convLast(scope.child("stem"), unfoldPixels(latents, 2), widths[0]); // [batch, 32, 32, 96]
    x = add(x, seeWide(scope, x, widths, decoderBlocks[1]));
  } else {
    x = convLast(scope.child("stem"), latents, widths[1]); // [batch, 16, 16, 192]
    x = blocks(scope.child("low"), x, decoderBlocks[1]);
    x = unfoldPixels(dense(scope.child("up"), x, widths[0] * 4), 2); // [batch, 32, 32, 96]
  }
  if (positions) {
    x = add(x, scope.parameter("position", [positions, positions, widths[0]], { kind: "zeros" }));
  }
  x = blocks(scope.child("high"), x, decoderBlocks[0]);
  // A hidden layer decodes each patch of 8×8 pixels: edges need more than a linear map of 96 numbers.
  const hidden = silu(dense(scope.child("hidden"), layerNorm(x), widths[0] * 3));
  const pixels = unfoldPixels(dense(scope.child("pixels"), hidden, fold * fold * 3), fold);
  return decoderFine ? add(pixels, correct(scope.child("fine"), pixels, x, config)) : pixels;
}

/** The correction of coarse pixels `[batch, h, w, 3]`, at first zero. @param x `[batch, h/fold, w/fold, width]` */
function correct(scope: Scope, pixels: Tensor, x: Tensor, config: AutoencoderConfig): Tensor {
  const { fold, positions, decoderFine } = config;
  const { width, blocks: count } = decoderFine!;
  const patch = fold / 2;
  const drawn = dense(scope.child("stem"), foldPixels(pixels, patch), width); // [batch, 64, 64, width]
  const context = unfoldPixels(dense(scope.child("up"), layerNorm(x), width * 4), 2);
  let fine = add(drawn, context);
  if (positions) {
    const table = [2 * positions, 2 * positions, width];
    fine = add(fine, scope.parameter("position", table, { kind: "zeros" }));
  }
  fine = layerNorm(blocks(scope.child("blocks"), fine, count));
  return unfoldPixels(
    dense(scope.child("pixels"), fine, patch * patch * 3, { init: { kind: "zeros" } }),
    patch,
  );
}

/** Converts bytes `[...]` to pixels in [-1, 1]. */
export function pixelsFromBytes(bytes: Tensor): Tensor {
  return sub(mul(cast(bytes, "f32"), 1 / 127.5), 1);
}
