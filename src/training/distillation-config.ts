// The config of a distillation: a student that draws in few steps and without guidance.
import { explain, nonEmptyText, numberBetween, wholeNumber, z } from "../schema/index.js";
import { common, count, prompts, renamedCommon, samplerName, shards, withWorkers } from "./config-common.js";

const { perShard } = shards.renamed;

const pathsSchema = z
  .strictObject({
    folder: explain(
      nonEmptyText.optional(),
      "where the teacher's paths are kept; made if missing",
      "paths in the run's folder",
    ),
    count: explain(count.default(12_000), "paths in all, each from its own noise"),
    shardSize: shards.shardSize(500, "paths"),
    initialShards: shards.initialShards,
    stepsPerNewShard: shards.stepsPerNewShard(20),
    studentSteps: explain(wholeNumber(1, 1000).default(4), "steps in which the student draws"),
    teacherStepsPerStudentStep: explain(
      wholeNumber(1, 1000).default(3),
      "steps of the teacher for each step of the student",
    ),
    guidance: explain(
      numberBetween(0, 100).optional(),
      "guidance scale of the teacher",
      "the default of its model",
    ),
    sampler: explain(samplerName.optional(), "sampler of the teacher", "the default of its model"),
  })
  .meta({
    renamed: { ...shards.renamed, steps: "studentSteps", stepsPerWindow: "teacherStepsPerStudentStep" },
  });

export const distillationConfigSchema = z
  .strictObject({
    kind: z.literal("distillation"),
    ...common,
    batchSize: explain(count.default(128), "steps of paths in a step"),
    teacher: explain(
      nonEmptyText.default("weights"),
      "folder of the model that teaches; the student starts from its weights",
    ),
    latents: explain(
      z
        .strictObject({ folder: shards.folder, shardSize: shards.shardSize(1000, "captions") })
        .meta({ renamed: { perShard } })
        .prefault({}),
      "captions, encoded once",
    ),
    paths: explain(pathsSchema.prefault({}), "what the teacher draws"),
    prompts,
  })
  .meta({ renamed: renamedCommon })
  .transform(withWorkers);

export type DistillationTrainingConfig = z.infer<typeof distillationConfigSchema>;
