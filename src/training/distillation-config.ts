// The config of a distillation: a student that draws in few steps and without guidance.
import { explain, nonEmptyText, numberBetween, wholeNumber, z } from "../schema/index.js";
import { common, count, prompts, renamedCommon, samplerName, shards, withWorkers } from "./config-common.js";

const { perShard } = shards.renamed;

const pathsSchema = z
  .strictObject({
    folder: explain(
      nonEmptyText.optional(),
      "folder of the teacher's paths; created if missing",
      "paths in the run folder",
    ),
    count: explain(count.default(12_000), "total number of paths, each from its own noise"),
    shardSize: shards.shardSize(500, "paths"),
    initialShards: shards.initialShards,
    stepsPerNewShard: shards.stepsPerNewShard(20),
    studentSteps: explain(wholeNumber(1, 1000).default(4), "sampling steps of the student"),
    teacherStepsPerStudentStep: explain(
      wholeNumber(1, 1000).default(3),
      "steps of the teacher per step of the student",
    ),
    guidance: explain(
      numberBetween(0, 100).optional(),
      "guidance scale of the teacher",
      "the model's default",
    ),
    sampler: explain(samplerName.optional(), "sampler of the teacher", "the model's default"),
  })
  .meta({
    renamed: { ...shards.renamed, steps: "studentSteps", stepsPerWindow: "teacherStepsPerStudentStep" },
  });

export const distillationConfigSchema = z
  .strictObject({
    kind: z.literal("distillation"),
    ...common,
    batchSize: explain(count.default(128), "path steps per training step"),
    teacher: explain(
      nonEmptyText.default("weights"),
      "model folder of the teacher; the student starts from its weights",
    ),
    latents: explain(
      z
        .strictObject({ folder: shards.folder, shardSize: shards.shardSize(1000, "captions") })
        .meta({ renamed: { perShard } })
        .prefault({}),
      "encoded captions",
    ),
    paths: explain(pathsSchema.prefault({}), "paths of the teacher"),
    prompts,
  })
  .meta({ renamed: renamedCommon })
  .transform(withWorkers);

export type DistillationTrainingConfig = z.infer<typeof distillationConfigSchema>;
