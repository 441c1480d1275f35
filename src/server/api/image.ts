// Images that the server holds: drawn ones, which the feed shows, and uploaded ones, which requests refer to.
import { parse, wholeNumber, z } from "../../schema/index.js";
import { catalogueIdSchema, imageIdSchema, jobIdSchema, textUpTo, timeSchema } from "./values.js";

/** How an image came from another one: what the family tree of variations shows. */
export const parentSchema = z.strictObject({
  image: imageIdSchema.meta({ description: "the image that this one was made from" }),
  action: z
    .enum([
      "again",
      "vary-subtle",
      "vary-strong",
      "remix",
      "edit",
      "extend",
      "enlarge",
      "start-image",
      "sweep",
    ])
    .meta({ description: "what was done with it" }),
});
export type Parent = Readonly<z.output<typeof parentSchema>>;

/** A drawn image. Its file, its thumbnail and its metadata have paths of their own. */
export const imageSchema = z.object({
  id: imageIdSchema,
  job: jobIdSchema.nullable().meta({ description: "the job that drew it; null if it is not known" }),
  index: wholeNumber(0).meta({ description: "index within the job" }),
  prompt: z.string(),
  negativePrompt: z.string(),
  seed: z.int(),
  width: z.int(),
  height: z.int(),
  model: z.string().meta({ description: "the model's name and version, as in the receipt" }),
  modelId: catalogueIdSchema.nullable().meta({ description: "the model in the catalogue" }),
  request: z
    .record(z.string(), z.unknown())
    .meta({ description: "the settings of this image, as in its receipt" }),
  load: z
    .record(z.string(), z.unknown())
    .meta({ description: "what was loaded beside the model, as in its receipt" }),
  parent: parentSchema.nullable(),
  mask: imageIdSchema.nullable().meta({ description: "the mask it was drawn with" }),
  created: timeSchema,
  favourite: z.boolean(),
  trashed: timeSchema.nullable().meta({ description: "when it was put in the trash" }),
  bytes: z.int().meta({ description: "size of the file" }),
  colour: z.string().meta({ description: "average colour, as #rrggbb, to show before the thumbnail" }),
});
export type StoredImage = Readonly<z.output<typeof imageSchema>>;

/** Which images to list, newest first. */
export const imageQuerySchema = z.strictObject({
  search: textUpTo(1000).default("").meta({
    description:
      'words of the prompt; also model:NAME, seed:N, fav, before:DATE, after:DATE, size:WxH, -word, "a phrase"',
  }),
  favourite: z.boolean().optional(),
  trash: z.boolean().default(false).meta({ description: "list the trash instead" }),
  job: jobIdSchema.optional(),
  parent: imageIdSchema.optional().meta({ description: "only images made from this one" }),
  cursor: textUpTo(200).optional().meta({ description: "`next` of the page before" }),
  limit: wholeNumber(1, 500).default(100),
});
export type ImageQuery = Readonly<z.output<typeof imageQuerySchema>>;

export const imagePageSchema = z.object({
  images: z.array(imageSchema),
  next: z.string().nullable().meta({ description: "cursor of the next page; null at the end" }),
  total: z.int().meta({ description: "number of images that match" }),
});
export type ImagePage = Readonly<z.output<typeof imagePageSchema>>;

/** An uploaded image, ready to be named in requests. */
export const uploadSchema = z.object({
  id: imageIdSchema,
  width: z.int(),
  height: z.int(),
  format: z.enum(["png", "jpeg", "webp"]),
  hasAlpha: z.boolean(),
  provenance: z
    .object({
      program: z.string(),
      prompt: z.string(),
      negativePrompt: z.string(),
      fields: z.record(z.string(), z.string()),
      raw: z.string(),
      request: z.record(z.string(), z.unknown()).meta({
        description:
          "the settings that this program can take over, as fields of a request; also model and loras, by the names that the other program gives them",
      }),
    })
    .nullable()
    .meta({ description: "which program made it and with which settings; null if its file does not say" }),
});
export type Upload = Readonly<z.output<typeof uploadSchema>>;

export const readImageQuery = (value: unknown): ImageQuery =>
  parse(imageQuerySchema, value, { name: "the query", noun: "parameter" });
