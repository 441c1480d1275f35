// Jobs that are no drawings, as clients ask for them: checked and completed, so that everything is fixed when they begin.
import { existsSync } from "node:fs";
import { NishikiError } from "../errors.js";
import { readImageHeader } from "../image/index.js";
import { getImageSettings, type ImageSettings } from "../pipeline/index.js";
import { parse } from "../schema/index.js";
import {
  type ExplanationForecastRequest,
  enlargeJobSchema,
  evaluateJobSchema,
  explainJobSchema,
  type JobRequest,
  jobRequestSchema,
  trainJobSchema,
} from "./api/index.js";
import { embeddedId, type ModelList } from "./catalogue/catalogue.js";
import type { ProcessDrawer } from "./drawing/drawer.js";
import { checkEnlargement } from "./drawing/upscalers.js";
import type { JobQueue, JobRecord, Library } from "./parts.js";
import { findSprites } from "./training/folders.js";

export interface WorkParts {
  readonly library: Library;
  readonly models: ModelList;
  readonly drawer: ProcessDrawer;
  readonly queue: Pick<JobQueue, "get">;
}

type Checked = Pick<JobRecord, "kind" | "priority" | "group" | "labels" | "model" | "request" | "parent"> &
  Partial<Pick<JobRecord, "load">>;

/**
 * @param isRepeated A job of this id exists: what it has made since is no reason to refuse it.
 * @throws NishikiError "usage" for a request that cannot be run, with the reason
 */
export async function completeWork(
  request: JobRequest,
  parts: WorkParts,
  isRepeated: boolean,
): Promise<Checked> {
  const { kind } = parse(jobRequestSchema, request, { name: "the job", noun: "field" });
  switch (kind) {
    case "enlarge":
      return completeEnlargement(request, parts);
    case "train":
      return completeTraining(request, parts, isRepeated);
    case "evaluate":
      return completeEvaluation(request, parts);
    case "explain":
      return completeExplanation(request, parts);
    default:
      throw new NishikiError("internal", "A drawing is completed elsewhere.");
  }
}

const options = { name: "the job", noun: "field" };

type Common = {
  readonly priority: number;
  readonly group?: string | undefined;
  readonly labels?: Record<string, string> | undefined;
};

const keepCommon = ({ priority, group, labels }: Common) => ({
  priority,
  group: group ?? null,
  labels: labels ?? {},
});

async function completeEnlargement(request: JobRequest, { library }: WorkParts): Promise<Checked> {
  const checked = parse(enlargeJobSchema, request, options);
  const { image, factor, upscaler } = checked;
  const file = await library.file(image);
  if (!file) throw new NishikiError("usage", `image: there is no stored image with the id ${image}.`);
  const header = readImageHeader(file.bytes);
  if (header) checkEnlargement(header, checked);
  const isDrawn = (await library.image(image)) !== undefined;
  return {
    kind: "enlarge",
    ...keepCommon(checked),
    model: embeddedId,
    request: { image, factor, upscaler },
    parent: isDrawn ? { image, action: "enlarge" } : null,
  };
}

async function completeTraining(
  request: JobRequest,
  { library, models, drawer }: WorkParts,
  isRepeated: boolean,
): Promise<Checked> {
  const checked = parse(trainJobSchema, request, options);
  const { name, images } = checked;
  const model = await findTrainable(checked.model, models);
  const additions = await models.additions();
  if (!isRepeated && additions.some(({ kind, id }) => kind === "lora" && id === name))
    throw new NishikiError("usage", `name: there is a LoRA "${name}" already. Choose another name.`);
  for (const [i, { id }] of images.entries())
    if (!(await library.has(id)))
      throw new NishikiError("usage", `images[${i}].id: there is no stored image with the id ${id}.`);
  const usual = await drawer.planTraining(images.length);
  const { steps = usual.steps, rank = usual.rank, learningRate = usual.learningRate } = checked;
  const samplePrompt = checked.samplePrompt ?? images[0]!.caption;
  return {
    kind: "train",
    ...keepCommon(checked),
    model,
    request: { name, images, steps, rank, learningRate, samplePrompt },
    parent: null,
  };
}

async function completeEvaluation(request: JobRequest, { models }: WorkParts): Promise<Checked> {
  const checked = parse(evaluateJobSchema, request, options);
  const model = await findTrainable(checked.model, models);
  if (!existsSync(findSprites()))
    throw new NishikiError(
      "usage",
      "An evaluation compares with composed scenes, and their sprites are not on this machine: run `nishiki data build` in " +
        "the folder that the server was started in, or name their folder in NISHIKI_SPRITES.",
    );
  const { prompts = 240, seed = 0 } = checked;
  return { kind: "evaluate", ...keepCommon(checked), model, request: { prompts, seed }, parent: null };
}

/** An image is explained from the request that its job fixed, with the model and additions that drew it. */
export async function completeExplanation(
  request: JobRequest | ExplanationForecastRequest,
  { library, models, queue }: Pick<WorkParts, "library" | "models" | "queue">,
): Promise<Checked> {
  const checked = parse(explainJobSchema, { kind: "explain", ...request }, options);
  const { image: id, otherSeeds, leaveOut, scales, panels, ordinary } = checked;
  const image = await library.image(id);
  if (!image) throw new NishikiError("usage", `image: there is no drawn image with the id ${id}.`);
  const job = image.job === null ? undefined : await queue.get(image.job);
  if (job?.kind !== "draw")
    throw new NishikiError(
      "usage",
      "image: it was not drawn here, so it cannot be drawn again to look inside.",
    );
  const drawn = getImageSettings(job.request as unknown as ImageSettings, image.index);
  await models.resolve(job.model, job.load);
  return {
    kind: "explain",
    ...keepCommon(checked),
    model: job.model,
    load: job.load,
    request: {
      ...{ image: id, request: drawn, otherSeeds, leaveOut, scales, panels },
      ...(ordinary !== undefined && { ordinary }),
    },
    parent: null,
  };
}

/** @throws NishikiError "usage" for a model of another kind than this program's own */
async function findTrainable(id: string = embeddedId, models: ModelList): Promise<string> {
  await models.resolve(id, {});
  const family = (await models.find(id))?.known?.facts.family;
  if (family === "nishiki") return id;
  throw new NishikiError(
    "usage",
    `model: training and evaluation work with models of Nishiki's own kind, such as "${embeddedId}"; "${id}" is of the kind ${family ?? "unknown"}.`,
  );
}
