// What a model folder says of itself: model.json, typed and checked. Reading the files is node.ts's work.
import { NishikiError } from "../../../errors.js";
import {
  anyRecord,
  type Check,
  type Checks,
  filledText,
  listOf,
  numberWithin,
  oneOf,
  optional,
  recordOf,
  reject,
  wholeNumber,
} from "../../check.js";
import type { SuperResolutionSettings } from "./super-resolution.js";

/** One network of a model: which function of src/models it is, with which sizes, and where its weights lie. */
export interface ModelPart {
  /** A name from the table in architectures.ts. */
  readonly architecture: string;
  /** What the architecture's function takes as its config. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A `.safetensors` file of the model's folder. */
  readonly file: string;
  /** SHA-256 of that file, 64 hexadecimal digits. Where it is given, weights that differ are refused. */
  readonly sha256?: string;
}

/** A network that doubles pictures, and how it is sampled. */
export interface SuperResolutionPart extends ModelPart, SuperResolutionSettings {}

/** A denoiser that draws in a few steps of Euler without guidance: of the same inputs, distilled for just these steps. */
export interface FastPart extends ModelPart {
  readonly steps: number;
}

/** Settings that suit the model; a request that leaves them open gets these. */
export interface ModelDefaults {
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  /** Shift of the flow schedule towards noise (Esser and others, 2024, arXiv 2403.03206, §5.3.2). 1 is none. */
  readonly shift?: number;
}

/** The content of `model.json`. */
export interface ModelManifest {
  /** Version of this layout. */
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  /** SPDX identifier, or "see FILE". */
  readonly licence: string;
  readonly parts: {
    readonly textEncoder: ModelPart;
    readonly autoencoder: ModelPart;
    readonly denoiser: ModelPart;
    /** Draws pictures twice and four times as large; without it the model has one size. */
    readonly superResolution?: SuperResolutionPart;
    /** Draws in a few steps; without it the model has one pace. */
    readonly fast?: FastPart;
  };
  /** The file `tokenizer.json` of the text encoder. */
  readonly tokenizer: string;
  /** The words and names of training's captions (known-words.ts). Without it every word is taken as it is. */
  readonly words?: { readonly file: string; readonly sha256: string };
  /** Latents as the denoiser sees them: `(raw − mean) / std` per channel. */
  readonly latents: {
    /** [height, width, channels] */
    readonly shape: readonly [height: number, width: number, channels: number];
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
  /** Width and height of a picture in pixels. */
  readonly pictureSize: number;
  /** Most tokens of a prompt, the two at its ends included. */
  readonly maxTokens: number;
  /** What the denoiser predicts. "flow": velocity, noise − latents. */
  readonly prediction: "flow";
  readonly defaults: ModelDefaults;
}

/** A file of the folder itself: a manifest that came with a download must not reach elsewhere. */
const fileName: Check<string> = (value, where) =>
  typeof value === "string" && /^[\w.][\w .-]*$/.test(value) && value !== ".." && value !== "."
    ? value
    : reject(where, "the name of a file in the model's folder", value);

const sha256: Check<string> = (value, where) =>
  typeof value === "string" && /^[0-9a-f]{64}$/.test(value)
    ? value
    : reject(where, "64 lower-case hexadecimal digits", value);

const partChecks: Checks<ModelPart> = {
  architecture: filledText,
  config: anyRecord,
  file: fileName,
  sha256: optional(sha256),
};
const part = recordOf(partChecks);
const superResolution = recordOf<SuperResolutionPart>({
  ...partChecks,
  steps: wholeNumber(1, 1000),
  augmentation: numberWithin(0, 2),
});

const fast = recordOf<FastPart>({ ...partChecks, steps: wholeNumber(1, 1000) });

const latentShape: Check<readonly [number, number, number]> = (value, where) => {
  const [height, width, channels] = listOf(wholeNumber(1), 3)(value, where);
  return [height!, width!, channels!];
};

const manifestChecks = recordOf<ModelManifest>({
  format: (value, where) => (value === 1 ? 1 : reject(where, "1, the layout that this version reads", value)),
  name: filledText,
  version: filledText,
  licence: filledText,
  parts: recordOf<ModelManifest["parts"]>({
    textEncoder: part,
    autoencoder: part,
    denoiser: part,
    superResolution: optional(superResolution),
    fast: optional(fast),
  }),
  tokenizer: fileName,
  words: optional(recordOf<NonNullable<ModelManifest["words"]>>({ file: fileName, sha256 })),
  latents: recordOf<ModelManifest["latents"]>({
    shape: latentShape,
    mean: listOf(numberWithin(-Number.MAX_VALUE, Number.MAX_VALUE)),
    std: listOf(numberWithin(Number.MIN_VALUE, Number.MAX_VALUE)),
  }),
  pictureSize: wholeNumber(1, 16_384),
  maxTokens: wholeNumber(3, 512),
  prediction: oneOf(["flow"]),
  defaults: recordOf<ModelDefaults>({
    steps: wholeNumber(1, 1000),
    guidance: numberWithin(0, 100),
    sampler: filledText,
    shift: optional(numberWithin(0.01, 100)),
  }),
});

/**
 * Reads a manifest from the text of `model.json`.
 * @param source What to call it in messages, usually the file's path.
 * @throws NishikiError "checkpoint" that names the field, what was expected and what came.
 */
export function parseManifest(json: string, source = "model.json"): ModelManifest {
  const refuse = (reason: string, cause: unknown): never => {
    throw new NishikiError("checkpoint", `${source} cannot be used: ${reason}`, { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return refuse("it is not valid JSON.", error);
  }
  try {
    const manifest = manifestChecks(value, "");
    for (const key of ["mean", "std"] as const) {
      const { shape, [key]: values } = manifest.latents;
      if (values.length !== shape[2]) reject(`latents.${key}`, `a list of ${shape[2]} numbers`, values);
    }
    return manifest;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), error);
  }
}
