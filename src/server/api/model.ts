// The catalogue: models, and what can be added to them.
import { scenePlanSchema, storedRequestSchema } from "../../pipeline/index.js";
import { wholeNumber, z } from "../../schema/index.js";
import { jobLoadSchema } from "./load.js";
import { catalogueIdSchema, textUpTo } from "./values.js";

const fits = z.object({
  fits: z.boolean(),
  reason: z.string().nullable().meta({ description: "if not: what is missing and what helps" }),
});

export const modelSchema = z.object({
  id: catalogueIdSchema,
  name: z.string(),
  family: z.string().meta({ description: "such as nishiki or stable-diffusion" }),
  what: z.string().meta({ description: 'a few words, such as "Stable Diffusion XL"' }),
  bytes: z.int().meta({ description: "size of its files" }),
  memory: z.int().nullable().meta({ description: "bytes that drawing at the usual size takes" }),
  fits: fits.meta({ description: "whether it fits this machine's memory now" }),
  state: z.enum(["ready", "loading", "loaded", "broken"]),
  problem: z.string().nullable().meta({ description: "why it is broken" }),
  takes: z.array(z.string()).meta({ description: "the settings that it takes, beyond the common ones" }),
  loadOptions: z
    .array(z.string())
    .meta({ description: "what can be loaded beside it: lora, embedding, vae, ipAdapter, precision" }),
  defaults: z.record(z.string(), z.unknown()).meta({ description: "its defaults for a request" }),
  sizes: z.record(z.string(), z.unknown()).meta({ description: "the sizes that it draws" }),
  tokenLimit: z
    .int()
    .nullable()
    .meta({ description: "tokens of the prompt that it reads at a time, such as 77" }),
  licence: z.string().nullable(),
  secondsPerImage: z
    .number()
    .nullable()
    .meta({ description: "measured on this machine; null before the first image" }),
});
export type ModelInfo = Readonly<z.output<typeof modelSchema>>;

/** A LoRA, textual inversion, autoencoder or IP-Adapter in the models folders. */
export const additionSchema = z.object({
  id: catalogueIdSchema,
  kind: z.enum(["lora", "embedding", "vae", "ipAdapter"]),
  name: z.string(),
  bytes: z.int(),
  family: z
    .string()
    .nullable()
    .meta({ description: "the models that it was made for, where its file says so" }),
  words: z.array(z.string()).meta({ description: "words that call it, where its file says so" }),
});
export type Addition = Readonly<z.output<typeof additionSchema>>;

/** A request whose time and memory are forecast. */
export const forecastRequestSchema = z.strictObject({
  request: storedRequestSchema,
  model: catalogueIdSchema.optional().meta({ description: "model; the default model if left out" }),
  load: jobLoadSchema.optional(),
});
export type ForecastRequest = Readonly<z.output<typeof forecastRequestSchema>>;

const bytes = z.number().meta({ description: "bytes of memory at the peak" });

export const forecastSchema = z.object({
  forecast: z
    .object({
      seconds: z.number().meta({ description: "for all images, with loading if the model is not in memory" }),
      secondsPerImage: z.number(),
      loadSeconds: z.number(),
      bytes,
      multiplications: z.number().meta({ description: "of all images" }),
      isMeasured: z
        .boolean()
        .meta({ description: "false if this model has not drawn here yet: its speed is estimated" }),
      memory: z
        .object({ total: z.number(), free: z.number() })
        .meta({ description: "this machine's, in bytes" }),
      fits: z.boolean().meta({ description: "whether the free memory is enough" }),
      advice: z
        .object({
          change: z
            .record(z.string(), z.unknown())
            .meta({ description: "what makes it fit: a size, a precision or lowMemory" }),
          seconds: z.number(),
          bytes,
        })
        .nullable()
        .meta({ description: "null if it fits, or nothing helps" }),
    })
    .nullable()
    .meta({ description: "null if the model does not say what its networks cost" }),
});
export type Forecast = Readonly<z.output<typeof forecastSchema>>;

/** A prompt whose tokens are counted. */
export const tokensRequestSchema = z.strictObject({
  prompt: textUpTo(100_000),
  model: catalogueIdSchema.optional().meta({ description: "model; the default model if left out" }),
  load: jobLoadSchema.optional().meta({ description: "what is loaded beside it: embeddings add words" }),
});
export type TokensRequest = Readonly<z.output<typeof tokensRequestSchema>>;

export const tokensSchema = z.object({
  tokens: z
    .int()
    .nullable()
    .meta({ description: "tokens of the prompt; null if the model does not count them" }),
  parts: z.int().nullable().meta({ description: "texts that the model reads it as" }),
  room: z.int().nullable().meta({ description: "tokens that one text has room for, such as 75" }),
});
export type Tokens = Readonly<z.output<typeof tokensSchema>>;

/** A prompt that is planned, or a plan that is put into words. */
export const planRequestSchema = z.strictObject({
  prompt: textUpTo(100_000).default("").meta({ description: "the prompt; not needed with a plan" }),
  plan: scenePlanSchema.optional().meta({ description: "a plan that was changed" }),
  model: catalogueIdSchema.optional().meta({ description: "model; the default model if left out" }),
});
export type PlanRequest = Readonly<z.output<typeof planRequestSchema>>;

export const planAnswerSchema = z.object({
  planned: z
    .object({
      plan: scenePlanSchema.nullable().meta({ description: "null if nothing of the prompt can be drawn" }),
      prompt: z
        .string()
        .nullable()
        .meta({ description: "the plan in the model's words: the prompt to draw" }),
      changes: z
        .array(z.object({ from: z.string(), to: z.string() }))
        .readonly()
        .meta({ description: "words that were taken for something else" }),
      leftOut: z.array(z.string()).readonly().meta({ description: "words that are not in the plan" }),
      unknown: z.array(z.string()).readonly().meta({ description: "those of them that may name a thing" }),
      sentences: z.array(z.string()).readonly().meta({ description: "all of this for people" }),
    })
    .nullable()
    .meta({ description: "null for models that read any words and need no plan" }),
});
export type PlanAnswer = Readonly<z.output<typeof planAnswerSchema>>;

/** A prompt whose parameters are read. */
export const promptRequestSchema = z.strictObject({
  prompt: textUpTo(100_000),
  model: catalogueIdSchema.optional().meta({ description: "model; the default model if left out" }),
  load: jobLoadSchema
    .optional()
    .meta({ description: "what is loaded beside it: an IP-Adapter takes images as prompts" }),
  count: wholeNumber(1, 10_000)
    .optional()
    .meta({ description: "images of each request: seeds of repetitions count on" }),
  seed: wholeNumber(0).optional().meta({ description: "seed that was chosen apart from the prompt" }),
});
export type PromptRequest = Readonly<z.output<typeof promptRequestSchema>>;

export const promptReadingSchema = z.object({
  requests: z
    .array(z.record(z.string(), z.unknown()))
    .meta({ description: "settings that the prompt asks for: one for each permutation and repetition" }),
  model: z
    .string()
    .nullable()
    .meta({ description: "model that --v or --niji asks for; null on servers, which know no such names" }),
  notices: z.array(z.string()).meta({ description: "what is done differently here, one sentence each" }),
  hasParameters: z
    .boolean()
    .meta({ description: "whether there was anything to read: else the prompt is plain words" }),
  parameters: z.array(
    z.object({
      text: z.string().meta({ description: "as it stands in the prompt, such as --ar 3:2" }),
      effect: z.string().meta({ description: "what it does here, or why it is refused" }),
      isRefused: z.boolean(),
    }),
  ),
  faults: z.array(z.string()).meta({ description: "why it cannot be drawn; empty if it can" }),
});
export type PromptAnswer = Readonly<z.output<typeof promptReadingSchema>>;

export const catalogueSchema = z.object({
  models: z.array(modelSchema),
  additions: z.array(additionSchema),
  default: catalogueIdSchema,
});
export type Catalogue = Readonly<z.output<typeof catalogueSchema>>;
