// The stage that pastes the unmasked pixels back over the decoded image, because an autoencoder slightly changes every pixel.
// Where only the masked part of an image was drawn, it also puts that part back into its place.
import { placeRegion } from "./crop-region.js";
import type { ImageSettings } from "./image-request.js";
import { getMaskedImage } from "./init-image.js";
import { pasteBack } from "./mask.js";
import type { TransformStage } from "./plan.js";
import { getResultPixels } from "./stage-results.js";

/** The paste-back stage, which follows the decoder; empty without a mask or with `pasteBack` off. */
export function makePasteStage(settings: ImageSettings): readonly TransformStage[] {
  const whole = getMaskedImage(settings);
  const { pasteBack: pastesBack = true, feather } = settings.inpaint ?? {};
  if (!whole || !pastesBack) return [];
  const { pixels, mask, region } = whole;
  return [
    {
      kind: "transform",
      name: "paste back",
      run: async ({ last }) => {
        const result = getResultPixels(last);
        const drawn = region ? placeRegion(pixels, result, region) : result;
        return { kind: "pixels", pixels: pasteBack(drawn, pixels, mask, feather) };
      },
    },
  ];
}
