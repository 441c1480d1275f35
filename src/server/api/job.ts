// Jobs: what is asked of the server, and what becomes of it.
import { storedRequestSchema } from "../../pipeline/index.js";
import { flag, numberBetween, oneOf, wholeNumber, z } from "../../schema/index.js";
import { explainedFields } from "./explanation.js";
import { imageSchema, parentSchema } from "./image.js";
import { jobLoadSchema } from "./load.js";
import { catalogueIdSchema, imageIdSchema, jobIdSchema, textUpTo, timeSchema, wordsUpTo } from "./values.js";

const common = {
  model: catalogueIdSchema.optional().meta({ description: "model; the default model if left out" }),
  priority: wholeNumber(-100, 100).default(0).meta({ description: "higher runs first" }),
  group: textUpTo(64).optional().meta({ description: "jobs that belong together, such as a sweep" }),
  labels: z
    .record(textUpTo(100), textUpTo(500))
    .optional()
    .meta({ description: "kept with the job: position in a sweep, or a client's own notes" }),
};

/** Previews that are drawn in any case, in full size: what OpenAI's clients call partial images. */
const partialsSchema = wholeNumber(0, 3).meta({
  description: "number of previews of each image in full size, at evenly spread steps of its first diffusion",
});

export const drawJobSchema = z.strictObject({
  kind: z.literal("draw").default("draw"),
  request: storedRequestSchema,
  load: jobLoadSchema.optional(),
  parent: parentSchema.optional(),
  partials: partialsSchema.optional(),
  readParameters: flag.optional().meta({
    description:
      "read parameters in the prompt as Midjourney's users write them, such as --ar 3:2; settings of the request win. A prompt that asks for several drawings is refused: POST /prompts lists them",
  }),
  ...common,
});

/** An image enlarged by a filter or a super-resolution network, without a prompt. */
export const enlargeJobSchema = z.strictObject({
  kind: z.literal("enlarge"),
  image: imageIdSchema,
  factor: numberBetween(1, 8),
  upscaler: wordsUpTo(200).meta({ description: "an upscaler's name from the capabilities" }),
  ...common,
});

/** A LoRA, learned from images that were uploaded. */
export const trainJobSchema = z.strictObject({
  kind: z.literal("train"),
  name: catalogueIdSchema.meta({ description: "name of the LoRA, and its id in the catalogue afterwards" }),
  images: z
    .array(z.strictObject({ id: imageIdSchema, caption: wordsUpTo(10_000) }))
    .min(1)
    .max(2000),
  steps: wholeNumber(1, 100_000).optional(),
  rank: wholeNumber(1, 256).optional(),
  learningRate: numberBetween(1e-8, 1).optional(),
  samplePrompt: wordsUpTo(10_000).optional().meta({ description: "prompt of the samples during training" }),
  ...common,
});

/** A scorecard of a model. */
export const evaluateJobSchema = z.strictObject({
  kind: z.literal("evaluate"),
  prompts: wholeNumber(1, 10_000).optional(),
  seed: wholeNumber(0).optional(),
  ...common,
});

/** How a drawn image came about. Its report is the explanation as data. */
export const explainJobSchema = z.strictObject({
  kind: z.literal("explain"),
  ...explainedFields,
  ...common,
});

export const jobRequestSchema = z.union([
  drawJobSchema,
  enlargeJobSchema,
  trainJobSchema,
  evaluateJobSchema,
  explainJobSchema,
]);
/** A job as a client asks for it. */
export type JobRequest = Readonly<z.input<typeof jobRequestSchema>>;
export type DrawJobRequest = Readonly<z.input<typeof drawJobSchema>>;

export const jobStates = ["queued", "running", "paused", "done", "failed", "cancelled"] as const;
export type JobState = (typeof jobStates)[number];
/** States that a job does not leave. */
export const finalStates: readonly JobState[] = ["done", "failed", "cancelled"];

export const jobErrorSchema = z.object({
  code: z.string().meta({ description: "stable code, such as usage, memory or device" }),
  message: z.string().meta({ description: "what went wrong, in a sentence" }),
  hint: z.string().nullable().meta({ description: "the one thing that helps, such as a smaller size" }),
  change: z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({ description: "settings that would help, for a button that takes them over" }),
});
export type JobError = Readonly<z.output<typeof jobErrorSchema>>;

export const progressSchema = z.object({
  stage: z.string().meta({ description: "load, wait, encode, decode, or the diffusion stage, such as base" }),
  index: z.int().meta({ description: "image being drawn, from 0" }),
  count: z.int().meta({ description: "number of images" }),
  step: z.int().meta({ description: "steps of this stage that are done" }),
  steps: z.int().meta({ description: "steps of this stage; 0 while it is not known" }),
  fraction: numberBetween(0, 1).meta({ description: "share of the whole job that is done" }),
  secondsLeft: z
    .number()
    .nullable()
    .meta({ description: "until the job is done; null while it is not known" }),
  preview: z.int().nullable().meta({ description: "number of the newest preview, part of its URL" }),
  findings: z
    .int()
    .optional()
    .meta({ description: "of explaining: parts of the explanation that are ready, numbered from 1" }),
  partial: z
    .int()
    .optional()
    .meta({ description: "if the preview is one of the job's `partials`, in full size: its number, from 0" }),
  values: z
    .record(z.string(), z.number())
    .optional()
    .meta({ description: "of training: loss, learning rate" }),
});
export type Progress = Readonly<z.output<typeof progressSchema>>;

export const jobSchema = z.object({
  id: jobIdSchema,
  kind: z.enum(["draw", "enlarge", "train", "evaluate", "explain"]),
  state: z.enum(jobStates),
  position: z
    .int()
    .nullable()
    .meta({ description: "place in the queue, from 0; null unless queued or paused" }),
  owner: z.string().meta({ description: "who asked for it: queues are fair between owners" }),
  priority: z.int(),
  group: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  model: catalogueIdSchema,
  modelName: z.string(),
  request: z.record(z.string(), z.unknown()).meta({
    description: "the completed request: every setting and the seed are fixed when the job is created",
  }),
  load: jobLoadSchema,
  parent: parentSchema.nullable(),
  partials: z.int().optional().meta({ description: "previews of each image in full size" }),
  created: timeSchema,
  started: timeSchema.nullable(),
  finished: timeSchema.nullable(),
  attempts: z.int(),
  progress: progressSchema.nullable(),
  images: z.array(imageSchema).meta({ description: "the images that are finished" }),
  result: z.record(z.string(), z.unknown()).nullable().meta({ description: "of training and evaluation" }),
  warnings: z.array(z.string()),
  error: jobErrorSchema.nullable(),
});
export type Job = Readonly<z.output<typeof jobSchema>>;

export const jobQuerySchema = z.strictObject({
  state: z.array(oneOf(jobStates)).optional(),
  group: textUpTo(64).optional(),
  cursor: textUpTo(200).optional(),
  limit: wholeNumber(1, 500).default(100),
});
export type JobQuery = Readonly<z.output<typeof jobQuerySchema>>;

export const jobPageSchema = z.object({
  jobs: z.array(jobSchema),
  next: z.string().nullable(),
  paused: z.boolean().meta({ description: "whether the whole queue is paused" }),
});
export type JobPage = Readonly<z.output<typeof jobPageSchema>>;

/** Where to move a queued job: before another one, or to an end of the queue. */
export const moveSchema = z.union([
  z.strictObject({ to: z.enum(["first", "last"]) }),
  z.strictObject({ before: jobIdSchema }),
]);
export type Move = Readonly<z.output<typeof moveSchema>>;
