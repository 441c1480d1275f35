// Images that say what to draw, beside the prompt or in its place: groups of the request. What they mean depends on the model:
// an IP-Adapter attends to each image; models conditioned on one image embedding, in the manner of DALL-E 2 (Ramesh et al.
// 2022, arXiv:2204.06125, section 3), blend those of all images and texts into one.
import { nonEmptyText, numberBetween, oneOf, wholeNumber, z } from "../schema/index.js";
import { checkPrompt, shareSchema } from "./request-values.js";

/** How embeddings become one: their weighted sum, or a rotation from one to the next on the sphere. */
export const blendNames = ["sum", "slerp"] as const;
export type BlendName = (typeof blendNames)[number];

/** The settings that a model takes through an IP-Adapter. */
export const ipAdapterSettings = ["imagePrompt", "styleReference", "layoutReference"] as const;

/** Images in a group, at most. */
const mostImages = 16;

const weights = (what: string, flag: string) =>
  z
    .array(numberBetween(-10, 10))
    .max(mostImages)
    .optional()
    .meta({
      description: `weight of ${what}, in the same order; may be repeated`,
      flag,
      defaultText: "equal weights",
    });

const text = nonEmptyText.superRefine(checkPrompt);

const textDifference = z
  .strictObject({
    from: text.meta({
      description: "what the image prompt shows, as a text",
      flag: "--text-diff-from <text>",
    }),
    to: text.meta({
      description: "what it should become: the image embedding turns by the difference of the two texts",
      flag: "--text-diff-to <text>",
    }),
    weight: shareSchema.optional().meta({
      description: "how far it turns, 0 to 1",
      flag: "--text-diff-weight <number>",
      defaultText: "0.3",
    }),
  })
  .optional()
  .meta({ description: "change of an image prompt by the difference of two texts" });

const images = <I extends z.ZodType>(image: I) => z.array(image).min(1).max(mostImages);

/** @param image The declaration of an image. */
export const declareImagePrompt = <I extends z.ZodType>(image: I) =>
  z
    .strictObject({
      images: images(image).meta({
        description: "image that says what to draw; may be repeated",
        flag: "--image-prompt <file>",
      }),
      weights: weights("an image prompt", "--image-prompt-weight <number>"),
      texts: z.array(text).min(1).max(mostImages).optional().meta({
        description: "text to blend with the image prompts, as an embedding; may be repeated",
        flag: "--blend-text <text>",
        defaultText: "none",
      }),
      textWeights: weights("a text to blend", "--blend-text-weight <number>"),
      blend: oneOf(blendNames)
        .optional()
        .meta({
          description: `how several embeddings become one: ${blendNames.join(", ")}`,
          flag: "--blend <way>",
          defaultText: "the model's",
        }),
      difference: textDifference,
      noiseLevel: wholeNumber(0, 999).optional().meta({
        description: "noise added to the image embedding, 0 to 999: more of it varies the image more",
        flag: "--image-prompt-noise <level>",
        defaultText: "0",
      }),
    })
    .optional()
    .meta({ description: "images that say what to draw" });

/** What is taken from an image beside its content. */
const aspects = {
  style: "image whose style is taken, and not what it shows; may be repeated",
  layout: "image whose composition is taken, and not its style; may be repeated",
};

/**
 * @param image The declaration of an image.
 * @param aspect What is taken from the images.
 */
export const declareReference = <I extends z.ZodType>(image: I, aspect: keyof typeof aspects) =>
  z
    .strictObject({
      images: images(image).meta({ description: aspects[aspect], flag: `--${aspect}-image <file>` }),
      weights: weights(`a ${aspect} image`, `--${aspect}-weight <number>`),
    })
    .optional()
    .meta({ description: `images whose ${aspect} is taken` });
