// Opens DeepFloyd IF's folders: stage 1, stage 2, or stage 1 with the folder of stage 2 beside it (node).
import {
  type ModelComponent,
  openPublishedFolder,
  type PublishedFolder,
  type PublishedPart,
} from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import { resolveModel } from "../../../hub/index.js";
import { getT5WeightName } from "../../../models/index.js";
import { readModelFiles } from "../../node-model-files.js";
import { openUpscaler, upscalerPipelines } from "../upscaler/node-model.js";
import type { UpscalerFiles } from "../upscaler/node-networks.js";

/** Pipelines of each stage. All pipelines of a stage have the same parts. */
export const stagePipelines = {
  1: ["IFPipeline", "IFImg2ImgPipeline", "IFInpaintingPipeline"],
  2: ["IFSuperResolutionPipeline", "IFImg2ImgSuperResolutionPipeline", "IFInpaintingSuperResolutionPipeline"],
} as const;

export const ifPipelines: readonly string[] = [...stagePipelines[1], ...stagePipelines[2]];

const textParts: readonly PublishedPart[] = [
  { name: "text_encoder", kind: "network", classes: ["T5EncoderModel"], rename: getT5WeightName },
  { name: "tokenizer", kind: "tokenizer", classes: ["T5Tokenizer", "T5TokenizerFast"] },
];

/** @param hasText Whether the prompt is encoded by this folder's encoder. */
function listParts(isSecond: boolean, hasText: boolean): readonly PublishedPart[] {
  return [
    { name: "unet", kind: "network", classes: ["UNet2DConditionModel"] },
    { name: "scheduler", kind: "scheduler" },
    ...(isSecond ? [{ name: "image_noising_scheduler", kind: "scheduler" } as const] : []),
    ...(hasText ? textParts : []),
  ];
}

const isSecondStage = (className: string) => (stagePipelines[2] as readonly string[]).includes(className);

export interface IfFiles {
  readonly name: string;
  readonly textEncoder: ModelComponent;
  /** The tokenizer's folder. */
  readonly tokenizer: string;
  /** In the order in which they draw. */
  readonly stages: readonly PublishedFolder[];
  /** Stage 3. */
  readonly upscaler: UpscalerFiles | undefined;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Opens a model.
 * @param className The pipeline of the folder at `path`.
 * @param more The folders of stage 2 and of the x4 upscaler, in this order, or their names in the hub's cache.
 * @throws NishikiError "usage", "file", "checkpoint"
 */
export async function openIf(
  path: string,
  className: string,
  more: readonly string[] = [],
): Promise<IfFiles> {
  const isSecond = isSecondStage(className);
  const first = await openPublishedFolder(path, ifPipelines, listParts(isSecond, true));
  const { second, upscaler } = await openLater(more, isSecond);
  const stages = [first, ...(second ? [second] : [])];
  const all = [...stages, ...(upscaler ? [upscaler.folder] : [])];
  const files = all.flatMap((folder, i) =>
    [...folder.files].map(([name, file]) => [i === 0 ? name : `stage-${i + 1}/${name}`, file] as const),
  );
  return {
    name: first.name,
    textEncoder: first.networks.text_encoder!,
    tokenizer: first.tokenizers.tokenizer!,
    stages,
    upscaler,
    files: new Map(files),
  };
}

interface LaterStages {
  readonly second?: PublishedFolder;
  readonly upscaler?: UpscalerFiles;
}

/** Opens the folders of further stages, each of which knows by its pipeline which one it is. */
async function openLater(more: readonly string[], isSecond: boolean): Promise<LaterStages> {
  const later: { second?: PublishedFolder; upscaler?: UpscalerFiles } = {};
  for (const name of more) {
    const path = await resolveModel(name);
    const { pipelineClass } = await readModelFiles(path);
    if (later.upscaler) refuse("the x4 upscaler draws the last stage; name it last");
    if (pipelineClass !== undefined && upscalerPipelines.includes(pipelineClass))
      later.upscaler = await openUpscaler(path);
    else {
      const second = await openPublishedFolder(path, stagePipelines[2], listParts(true, false));
      if (isSecond)
        refuse("this model is stage 2 itself; load stage 1 as the model, and this one as superResolution");
      if (later.second) refuse("expected one folder of stage 2, got two");
      later.second = second;
    }
  }
  return later;
}

function refuse(reason: string): never {
  throw new NishikiError("usage", `superResolution: ${reason}.`);
}
