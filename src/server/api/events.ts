// Events: what changed, as server-sent events. A client that reads them from the start, or from its last event id on, knows
// the state of everything without asking again.
import { z } from "../../schema/index.js";
import { imageSchema } from "./image.js";
import { jobSchema, progressSchema } from "./job.js";
import { modelSchema } from "./model.js";
import { imageIdSchema, jobIdSchema } from "./values.js";

export const eventSchema = z.discriminatedUnion("kind", [
  z
    .object({ kind: z.literal("job"), job: jobSchema })
    .meta({ description: "a job was created or changed state" }),
  z
    .object({ kind: z.literal("progress"), job: jobIdSchema, progress: progressSchema })
    .meta({ description: "a step is done; its preview is ready under its URL" }),
  z.object({ kind: z.literal("warning"), job: jobIdSchema, message: z.string() }),
  z
    .object({ kind: z.literal("image"), job: jobIdSchema.nullable(), image: imageSchema })
    .meta({ description: "an image is finished, or its marks changed" }),
  z.object({ kind: z.literal("image-gone"), image: imageIdSchema }).meta({ description: "deleted for good" }),
  z.object({ kind: z.literal("queue"), paused: z.boolean(), order: z.array(jobIdSchema) }),
  z.object({ kind: z.literal("models"), models: z.array(modelSchema) }),
]);
export type ServerEvent = Readonly<z.output<typeof eventSchema>>;

/** An event with its id in the stream: "EPOCH-NUMBER". A server that restarts begins a new epoch. */
export interface NumberedEvent {
  readonly id: string;
  readonly event: ServerEvent;
}
