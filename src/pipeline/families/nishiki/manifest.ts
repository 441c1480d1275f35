// What a model folder says of itself: model.json, declared once. Files are read in node-model.ts.
import { withoutBom } from "../../../checkpoint/index.js";
import { NishikiError } from "../../../errors.js";
import {
  nonEmptyText,
  numberBetween,
  oneOf,
  parse,
  positiveNumber,
  wholeNumber,
  z,
} from "../../../schema/index.js";

/** A file of the folder itself: a manifest that came with a download must not reach elsewhere. */
const fileName = z
  .string()
  .refine((name) => /^[\w.][\w .-]*$/.test(name) && name !== ".." && name !== ".")
  .meta({ expected: "the name of a file in the model's folder" });

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ expected: "64 lower-case hexadecimal digits" });

const partSchema = z.object({
  architecture: nonEmptyText.meta({ description: "a name from the table in programs.ts" }),
  config: z
    .record(z.string(), z.unknown())
    .meta({ description: "the sizes that the architecture's function takes" }),
  file: fileName.meta({ description: "a .safetensors file of the folder" }),
  sha256: sha256.optional().meta({ description: "SHA-256 of the file; weights that differ are refused" }),
});

const superResolutionSchema = partSchema.extend({
  steps: wholeNumber(1, 1000).meta({ description: "steps for each doubling" }),
  augmentation: numberBetween(0, 2).meta({
    description: "noise put upon what is doubled, as a standard deviation",
  }),
});

const fastSchema = partSchema.extend({
  steps: wholeNumber(1, 1000).meta({
    description: "steps of Euler without guidance that it was distilled for",
  }),
});

const defaultsSchema = z.object({
  steps: wholeNumber(1, 1000),
  guidance: numberBetween(0, 100),
  sampler: nonEmptyText,
  shift: numberBetween(0.01, 100).optional().meta({
    description:
      "shift of the flow schedule towards noise (Esser and others, 2024, arXiv 2403.03206, §5.3.2); 1 is none",
  }),
});

const scenesSchema = z.object({
  kinds: wholeNumber(1, 100).meta({
    description:
      "most different things in an image; above two, several of some of them, and on and before each other",
  }),
  backgrounds: z.array(nonEmptyText).readonly(),
  styles: z.array(nonEmptyText).readonly(),
});

const fewStepSchema = defaultsSchema.omit({ shift: true });

const manifestSchema = z.object({
  format: z.literal(1).meta({ expected: "1, the layout that this version reads" }),
  name: nonEmptyText,
  version: nonEmptyText,
  licence: nonEmptyText.meta({ description: 'SPDX identifier, or "see FILE"' }),
  parts: z.object({
    textEncoder: partSchema,
    autoencoder: partSchema,
    denoiser: partSchema,
    superResolution: superResolutionSchema
      .optional()
      .meta({ description: "doubles pictures, once or twice" }),
    fast: fastSchema.optional().meta({ description: "a denoiser that draws in a few steps" }),
  }),
  tokenizer: fileName.meta({ description: "the text encoder's tokenizer.json" }),
  words: z.object({ file: fileName, sha256 }).optional().meta({
    description:
      "words and names of the training captions (known-words.ts); without them every word is taken as it is",
  }),
  scenes: scenesSchema.optional().meta({
    description:
      "what its training images show, for plans; without it, what the first models were trained on",
  }),
  latents: z
    .object({
      shape: z
        .tuple([wholeNumber(1), wholeNumber(1), wholeNumber(1)])
        .readonly()
        .meta({ description: "[height, width, channels]" }),
      mean: z.array(numberBetween(-Number.MAX_VALUE)).readonly(),
      std: z.array(positiveNumber()).readonly(),
    })
    .meta({ description: "latents as the denoiser sees them: (raw − mean) / std for each channel" }),
  pictureSize: wholeNumber(1, 16_384).meta({ description: "width and height of a picture in pixels" }),
  maxTokens: wholeNumber(3, 512).meta({ description: "most tokens of a prompt, with the two at its ends" }),
  prediction: oneOf(["flow"]).meta({
    description: 'what the denoiser predicts; "flow": velocity, noise − latents',
  }),
  defaults: defaultsSchema.meta({ description: "settings for requests that leave them open" }),
  fast: fewStepSchema.optional().meta({
    description: "settings for requests with fast; a model with the part fast has those of that network",
  }),
});

/** One network of a model: which function of src/models it is, with which sizes, and where its weights lie. */
export type ModelPart = Readonly<z.output<typeof partSchema>>;
/** A network that doubles images, and how it is sampled. */
export type SuperResolutionPart = Readonly<z.output<typeof superResolutionSchema>>;
/** A denoiser that draws in a few steps of Euler without guidance: of the same inputs, distilled for just these steps. */
export type FastPart = Readonly<z.output<typeof fastSchema>>;
/** Settings that suit the model; a request that leaves them open gets these. */
export type ModelDefaults = Readonly<z.output<typeof defaultsSchema>>;
/** What a model's training images show. */
export type TrainedScenes = Readonly<z.output<typeof scenesSchema>>;
/** The content of `model.json`. */
export type ModelManifest = Readonly<z.output<typeof manifestSchema>>;

/** @throws NishikiError "checkpoint" where a list has not one number for each channel */
function checkChannels({ latents }: ModelManifest, prefix: string): void {
  for (const key of ["mean", "std"] as const) {
    const [channels, values] = [latents.shape[2], latents[key]];
    if (values.length === channels) continue;
    const message = `latents.${key}: expected a list of ${channels} numbers, got one of ${values.length}.`;
    throw new NishikiError("checkpoint", `${prefix}${message}`);
  }
}

/**
 * Reads a manifest from the text of `model.json`.
 * @param source What to call it in messages, usually the file's path.
 * @throws NishikiError "checkpoint" that names each field, what was expected and what came.
 */
export function parseManifest(json: string, source = "model.json"): ModelManifest {
  const prefix = `${source} cannot be used: `;
  let value: unknown;
  try {
    value = JSON.parse(withoutBom(json));
  } catch (error) {
    throw new NishikiError("checkpoint", `${prefix}it is not valid JSON.`, { cause: error });
  }
  const manifest = parse(manifestSchema, value, { name: "its content", code: "checkpoint", prefix });
  checkChannels(manifest, prefix);
  return manifest;
}
