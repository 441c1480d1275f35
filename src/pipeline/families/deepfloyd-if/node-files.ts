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
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Opens a model.
 * @param className The pipeline of the folder at `path`.
 * @param more The folders of further stages, or their names in the hub's cache.
 * @throws NishikiError "usage", "file", "checkpoint"
 */
export async function openIf(
  path: string,
  className: string,
  more: readonly string[] = [],
): Promise<IfFiles> {
  const isSecond = isSecondStage(className);
  const first = await openPublishedFolder(path, ifPipelines, listParts(isSecond, true));
  const most = isSecond ? 0 : 1;
  if (more.length > most) {
    const message = isSecond
      ? "superResolution: this model is stage 2 itself; load stage 1 as the model, and this one as superResolution."
      : `superResolution: expected one folder, that of stage 2, got ${more.length}.`;
    throw new NishikiError("usage", message);
  }
  const others: PublishedFolder[] = [];
  for (const name of more)
    others.push(
      await openPublishedFolder(await resolveModel(name), stagePipelines[2], listParts(true, false)),
    );
  const stages = [first, ...others];
  const files = stages.flatMap((folder, i) =>
    [...folder.files].map(([name, file]) => [i === 0 ? name : `stage-${i + 1}/${name}`, file] as const),
  );
  return {
    name: first.name,
    textEncoder: first.networks.text_encoder!,
    tokenizer: first.tokenizers.tokenizer!,
    stages,
    files: new Map(files),
  };
}
