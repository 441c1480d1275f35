// The prior of a Stable unCLIP model (node): it draws CLIP's embedding of an image from a text. It is Karlo's, and comes from
// Karlo's folder, or lies in that of diffusers' StableUnCLIPPipeline under names with "prior_" before them.
import { join } from "node:path";
import { type Json, type ModelComponent, readJson, textEncoderName } from "./node-component.js";
import { openPublishedFolder } from "./node-published-folder.js";

export interface ImagePriorFiles {
  readonly network: ModelComponent;
  readonly textEncoder: ModelComponent;
  readonly scheduler: Json;
  /** The tokenizer's folder. */
  readonly tokenizer: string;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

const whole = "StableUnCLIPPipeline";

/** Opens a prior; reads only configs and headers. @throws NishikiError "file", "checkpoint" */
export async function openImagePrior(path: string): Promise<ImagePriorFiles> {
  const { _class_name: className } = await readJson(join(path, "model_index.json"));
  const prefix = className === whole ? "prior_" : "";
  const [encoder, tokenizer] = [`${prefix}text_encoder`, `${prefix}tokenizer`];
  const folder = await openPublishedFolder(
    path,
    [whole, "UnCLIPPipeline"],
    [
      { name: "prior", kind: "network", classes: ["PriorTransformer"] },
      { name: encoder, kind: "network", classes: ["CLIPTextModelWithProjection"], rename: textEncoderName },
      { name: tokenizer, kind: "tokenizer" },
      { name: "prior_scheduler", kind: "scheduler" },
    ],
  );
  const named = [...folder.files].map(([name, file]) => [prefix ? name : `prior/${name}`, file] as const);
  return {
    network: folder.networks.prior!,
    textEncoder: folder.networks[encoder]!,
    scheduler: folder.schedulers.prior_scheduler!,
    tokenizer: folder.tokenizers[tokenizer]!,
    files: new Map(named),
  };
}
