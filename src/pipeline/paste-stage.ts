// The stage that pastes what a mask leaves back over the decoded image: an autoencoder changes every pixel a little.
import type { ImageSettings } from "./image-request.js";
import { makeInitImage } from "./init-image.js";
import { pasteBack } from "./mask.js";
import type { TransformStage } from "./plan.js";
import { pixelsOf } from "./stage-results.js";

/** None for requests without a mask, and for those that ask for none. It follows the decoder. */
export function makePasteStage(settings: ImageSettings): readonly TransformStage[] {
  const { pixels, mask, pastesBack } = makeInitImage(settings) ?? {};
  if (!pixels || !mask || !pastesBack) return [];
  return [
    {
      kind: "transform",
      name: "paste back",
      run: async ({ last }) => ({ kind: "pixels", pixels: pasteBack(pixelsOf(last), pixels, mask) }),
    },
  ];
}
