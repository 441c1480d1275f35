// What an image's file says: the `parameters` text as webui reads it, whichever program wrote the file.
import { formatParameters, parseParameters, readProvenance } from "../../image/index.js";
import { z } from "../../schema/index.js";
import type { Capabilities } from "../api/index.js";
import { refuse } from "./errors.js";
import { readFields } from "./fields.js";
import { readBase64 } from "./images.js";

type Limits = Capabilities["limits"];
type Texts = Readonly<Record<string, string>>;

/** The texts of an image's file. Its pixels are not decoded. */
export async function readTexts(base64: string, field: string, limits: Limits): Promise<Texts> {
  const bytes = readBase64(base64, field, limits);
  const { inspectImage } = await import("../../image/node.js");
  const { text } = await inspectImage(bytes, "The file").catch((error: unknown) =>
    refuse(422, `${field}: invalid image. ${error instanceof Error ? error.message : ""}`.trim()),
  );
  return text;
}

/** The text under "parameters", or what another program's texts say in its form. */
function getInfo(text: Texts): string {
  if (text.parameters !== undefined && !text.parameters.trimStart().startsWith("{")) return text.parameters;
  const provenance = readProvenance(text);
  if (!provenance) return "";
  const { prompt, negativePrompt, fields } = provenance;
  return formatParameters({ prompt, negativePrompt, fields: cleanFields(fields) });
}

/** Names that the format can hold. */
const cleanFields = (fields: Texts): Texts =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => /^\w[\w \-/]*\w$/u.test(name)));

/** The parameters as webui splits them. */
function listParameters(info: string): Record<string, string> {
  if (info.trim() === "") return {};
  const { prompt, negativePrompt, fields } = parseParameters(info);
  const { Size: size, ...others } = fields;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(size ?? "") ?? [];
  return {
    Prompt: prompt,
    "Negative prompt": negativePrompt,
    ...others,
    ...(width !== undefined && { "Size-1": width, "Size-2": height! }),
  };
}

export async function readPngInfo(body: unknown, limits: Limits) {
  const { image } = readFields(z.object({ image: z.string() }), body);
  if (image.trim() === "") return { info: "", items: {}, parameters: {} };
  const items = await readTexts(image, "image", limits);
  const info = getInfo(items);
  return { info, items, parameters: listParameters(info) };
}

/** The prompt that an image's file names. There is no network here that describes images. */
export async function interrogate(body: unknown, limits: Limits) {
  const schema = z.object({ image: z.string().optional(), model: z.string().default("clip") });
  const { image, model } = readFields(schema, body);
  if (image === undefined || image.trim() === "") refuse(404, "Image not found");
  if (model !== "clip" && model !== "deepdanbooru") refuse(404, "Model not found");
  const info = getInfo(await readTexts(image, "image", limits));
  const caption = parseParameters(info).prompt;
  if (info !== "" && caption.trim() !== "") return { caption };
  return refuse(
    422,
    "This server has no network that describes images, and this image's file names no prompt.",
  );
}
