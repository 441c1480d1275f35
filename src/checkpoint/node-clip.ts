// Opens a whole CLIP as transformers publishes it (node): the folder of a CLIPModel, with both encoders, a tokenizer and the
// config of an image processor, such as openai/clip-vit-large-patch14.
import { dirname } from "node:path";
import { NishikiError } from "../errors.js";
import {
  checkReadable,
  isSingleFile,
  type Json,
  type ModelComponent,
  openComponent,
} from "./node-component.js";
import { readWeightFloat32 } from "./node-file.js";
import { type OpenedImageEncoder, openImageEncoder } from "./node-image-encoder.js";

export interface OpenedClip {
  readonly encoder: OpenedImageEncoder;
  /** The text encoder with its projection; its config is that of a CLIPTextModelWithProjection. */
  readonly text: ModelComponent;
  /** The factor of cosines before a softmax over texts; 100 in published models. */
  readonly scale: number;
  /** Where the tokenizer's files are. */
  readonly folder: string;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Opens a CLIP; reads only headers. @throws NishikiError "file", "checkpoint" */
export async function openClip(path: string): Promise<OpenedClip> {
  // A snapshot of the hub is named by its only checkpoint.
  const folder = isSingleFile(path) ? dirname(path) : path;
  const { config, weights } = await openComponent(folder);
  const { text_config: own, projection_dim: projection, architectures } = config;
  const name = Array.isArray(architectures) ? String(architectures[0]) : "network without a name";
  if (name !== "CLIPModel" || !isRecord(own)) {
    const expected = "expected a CLIPModel of transformers, with encoders of texts and of images";
    throw new NishikiError("checkpoint", `${folder} cannot be used: ${expected}, got a ${name}.`);
  }
  const texts = [...weights].filter(([tensor]) => /^text_(model|projection)\./.test(tensor));
  const text = new Map(texts.filter(([tensor]) => !tensor.endsWith(".position_ids")));
  checkReadable(text, "the text encoder", folder);
  const place = weights.get("logit_scale");
  const scale = place ? Math.exp((await readWeightFloat32(place))[0]!) : 100;
  const textConfig = {
    ...own,
    architectures: ["CLIPTextModelWithProjection"],
    projection_dim: projection ?? own.projection_dim,
  };
  return {
    encoder: await openImageEncoder(folder),
    text: { config: textConfig, weights: text },
    scale,
    folder,
  };
}
