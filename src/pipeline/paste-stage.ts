// The stage that pastes the unmasked pixels back over the decoded image, because an autoencoder slightly changes every pixel.
import type { ImageSettings } from "./image-request.js";
import { makeInitImage } from "./init-image.js";
import { pasteBack } from "./mask.js";
import type { TransformStage } from "./plan.js";
import { getResultPixels } from "./stage-results.js";

/** The paste-back stage, which follows the decoder; empty without a mask or with `pasteBack` off. */
export function makePasteStage(settings: ImageSettings): readonly TransformStage[] {
  const { pixels, mask, pastesBack } = makeInitImage(settings) ?? {};
  if (!pixels || !mask || !pastesBack) return [];
  const edgeWidth = settings.inpaint?.feather;
  return [
    {
      kind: "transform",
      name: "paste back",
      run: async ({ last }) => ({
        kind: "pixels",
        pixels: pasteBack(getResultPixels(last), pixels, mask, edgeWidth),
      }),
    },
  ];
}
