// The parameters of the three drawing endpoints: OpenAI's own, and the settings of Nishiki that their clients send as extra
// fields. The settings come from the one declaration of requests, so a new setting is a parameter here without more.
import { NishikiError, quote } from "../../errors.js";
import { type StoredRequest, storedRequestSchema } from "../../pipeline/index.js";
import {
  flag,
  getShape,
  nonEmptyText,
  numberBetween,
  oneOf,
  parse,
  wholeNumber,
  z,
} from "../../schema/index.js";
import { catalogueIdSchema, type JobLoad, jobLoadSchema } from "../api/index.js";
import { toSnakeCase } from "./names.js";

export type Endpoint = "generations" | "edits" | "variations";

/** Settings of a request that have another name or form in this interface. */
const translated = ["prompt", "count", "size", "init", "inpaint"];

/** The other settings by their names here: "negative_prompt" → "negativePrompt". */
export const settingNames: ReadonlyMap<string, keyof StoredRequest> = new Map(
  Object.keys(getShape(storedRequestSchema)!)
    .filter((name) => !translated.includes(name))
    .map((name) => [toSnakeCase(name), name as keyof StoredRequest]),
);

const request = storedRequestSchema.shape;

const settings: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  [...settingNames].map(([name, setting]) => [name, request[setting]]),
);

const weightedLora = z.strictObject({ id: catalogueIdSchema, weight: numberBetween(-10, 10).default(1) });

/** "style:0.8" → the LoRA and its weight. Ids hold no colons. */
function readLora(text: string): unknown {
  const [, id, weight] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  return id === undefined ? { id: text } : { id, weight: Number(weight) };
}

const lora = z
  .union([z.string().transform(readLora).pipe(weightedLora), weightedLora])
  .meta({ expected: 'the id of a LoRA, perhaps with a weight from -10 to 10, such as "style:0.8"' });

/** One value or a list of them. */
const oneOrMore = <S extends z.ZodType>(item: S) =>
  z.union([z.array(item), item.transform((value) => [value])]);

const load = {
  lora: oneOrMore(lora).optional(),
  embeddings: oneOrMore(catalogueIdSchema).optional(),
  vae: jobLoadSchema.shape.vae,
  precision: jobLoadSchema.shape.precision,
};

export const outputFormats = ["png", "jpeg", "webp"] as const;
export type OutputFormat = (typeof outputFormats)[number];

const common = {
  model: nonEmptyText.optional(),
  n: wholeNumber(1, 10).default(1),
  size: z
    .string()
    .regex(/^(?:auto|\d{1,5}x\d{1,5})$/)
    .optional()
    .meta({ expected: '"auto" or width x height in pixels, such as "512x512"' }),
  response_format: oneOf(["url", "b64_json"]).optional(),
  output_format: oneOf(outputFormats).default("png"),
  output_compression: wholeNumber(0, 100).optional(),
  user: nonEmptyText.optional(),
  ...load,
  ...settings,
};

const qualities = ["auto", "standard", "hd", "low", "medium", "high"] as const;
export type Quality = (typeof qualities)[number];

const drawn = {
  ...common,
  prompt: request.prompt,
  quality: oneOf(qualities).default("auto"),
  background: oneOf(["auto", "opaque", "transparent"]).default("auto"),
  moderation: oneOf(["auto", "low"]).optional(),
  stream: flag.default(false),
  partial_images: wholeNumber(0, 3).default(0),
};

const strength = { strength: request.init.unwrap().shape.strength };

const { mask: _mask, ...inpaint } = request.inpaint.unwrap().shape;

/** The settings of inpainting by their names here: "paste_back" → "pasteBack". */
export const inpaintNames: ReadonlyMap<string, string> = new Map(
  Object.keys(inpaint).map((name) => [toSnakeCase(name), name]),
);

const inpainting: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  [...inpaintNames].map(([name, setting]) => [name, inpaint[setting as keyof typeof inpaint]]),
);

const schemas = {
  generations: z.strictObject({ ...drawn, style: oneOf(["vivid", "natural"]).optional() }),
  edits: z.strictObject({
    ...drawn,
    ...strength,
    ...inpainting,
    input_fidelity: oneOf(["high", "low"]).optional(),
  }),
  variations: z.strictObject({ ...common, ...strength, prompt: request.prompt.optional() }),
} satisfies Readonly<Record<Endpoint, z.ZodType>>;

/** Parameters of any endpoint; those that an endpoint does not take are missing. */
export type Parameters = Omit<z.output<typeof schemas.generations>, "prompt"> &
  Partial<Pick<z.output<typeof schemas.edits>, "strength" | "input_fidelity">> & {
    readonly prompt?: string;
  };

export const getParameterSchema = (endpoint: Endpoint): z.ZodObject => schemas[endpoint];

/** What other programs call these parameters. */
const otherNames: Readonly<Record<string, string>> = {
  batch_size: "n",
  cfg_scale: "guidance",
  count: "n",
  denoising_strength: "strength",
  guidance_scale: "guidance",
  height: "size",
  image_size: "size",
  loras: "lora",
  num_images: "n",
  num_inference_steps: "steps",
  sampler_name: "sampler",
  scheduler: "schedule",
  width: "size",
};

/** Checks the parameters. @throws NishikiError "usage" */
export function readParameters(endpoint: Endpoint, fields: Readonly<Record<string, unknown>>): Parameters {
  for (const name of Object.keys(fields))
    if (Object.hasOwn(otherNames, name))
      throw new NishikiError("usage", `unknown parameter ${quote(name)}; use "${otherNames[name]}".`);
  const defaults = { quality: "auto", background: "auto", stream: false, partial_images: 0 };
  const checked = parse(schemas[endpoint], fields, { name: "the body", noun: "parameter" });
  return { ...defaults, ...checked } as Parameters;
}

/** What to load beside the model; undefined if nothing is. */
export function getLoad({ lora, embeddings, vae, precision }: Parameters): JobLoad | undefined {
  const entries = Object.entries({ loras: lora, embeddings, vae, precision });
  const given = entries.filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as JobLoad);
}
