// Opens CLIP's image encoder as transformers publishes it (node): the folder of a CLIPVisionModelWithProjection, such as
// image_encoder/ of a pipeline or of an IP-Adapter, or of a whole CLIPModel.
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NishikiError } from "../errors.js";
import { checkReadable, type Json, type ModelComponent, openComponent, readJson } from "./node-component.js";

export interface OpenedImageEncoder extends ModelComponent {
  /** preprocessor_config.json; empty where there is none, which means the encoder's own size and OpenAI's numbers. */
  readonly processor: Json;
  /** The files that affect the embedding. */
  readonly files: readonly string[];
}

const processorFile = "preprocessor_config.json";

/** Position ids count up; the text encoder of a whole CLIP is another network. */
const isOwn = (name: string) =>
  /^(vision_model|visual_projection)\./.test(name) && !name.endsWith(".position_ids");

const isThere = (path: string) =>
  stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );

/**
 * Opens an image encoder; reads only headers. The image processor's config is beside it, or in `feature_extractor/` beside
 * its folder, as in pipelines.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openImageEncoder(folder: string): Promise<OpenedImageEncoder> {
  const { config, weights: all } = await openComponent(folder);
  const weights = new Map([...all].filter(([name]) => isOwn(name)));
  if (!weights.has("visual_projection.weight")) {
    const got = weights.size > 0 ? "an image encoder without visual_projection.weight" : "another network";
    const expected = "expected a CLIPVisionModelWithProjection or a CLIPModel of transformers";
    throw new NishikiError("checkpoint", `${folder} cannot be used: ${expected}, got ${got}.`);
  }
  checkReadable(weights, "the image encoder", folder);
  const places = [join(folder, processorFile), join(dirname(folder), "feature_extractor", processorFile)];
  const there = await Promise.all(places.map(isThere));
  const place = places.find((_, i) => there[i]);
  const weightFiles = [...new Set([...weights.values()].map(({ file }) => file))];
  return {
    config,
    weights,
    processor: place === undefined ? {} : await readJson(place),
    files: [join(folder, "config.json"), ...weightFiles, ...(place === undefined ? [] : [place])],
  };
}
