// What an image file tells about itself: the settings in its receipt, or in the texts that other programs write.
import { createHash } from "node:crypto";
import { type ImageHeader, readImageHeader, readProvenance } from "../../image/index.js";
import { parseReceipt, type Receipt, receiptKey } from "../../pipeline/index.js";
import type { StoredImage } from "../api/index.js";
import { makeRequest } from "./provenance-request.js";

/** All of a stored image that its file alone decides. */
export type FileDescription = Pick<
  StoredImage,
  "id" | "prompt" | "negativePrompt" | "seed" | "width" | "height" | "model" | "request" | "load" | "bytes"
>;

/** Characters of a foreign prompt that are kept: more than any model reads. */
const longestText = 100_000;

/** The id of an image: the SHA-256 of its file. */
export function getImageId(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** @returns undefined if the file is no PNG, JPEG or WebP. @throws NishikiError "file" if it is damaged */
export function describeFile(bytes: Uint8Array): FileDescription | undefined {
  const header = readImageHeader(bytes);
  if (!header) return undefined;
  const { width, height } = header;
  const file = { id: getImageId(bytes), width, height, bytes: bytes.length };
  const receipt = readReceipt(header);
  if (receipt) {
    const { request, model, load } = receipt;
    const { prompt, negativePrompt, seed } = request;
    const name = `${model.name} ${model.version}`;
    return { ...file, prompt, negativePrompt, seed, model: name, request: { ...request }, load: { ...load } };
  }
  const found = readProvenance(header.text);
  const provenance = found && {
    ...found,
    prompt: found.prompt.slice(0, longestText),
    negativePrompt: found.negativePrompt.slice(0, longestText),
  };
  const request = provenance ? makeRequest(provenance, header.text) : {};
  return {
    ...file,
    prompt: provenance?.prompt ?? "",
    negativePrompt: provenance?.negativePrompt ?? "",
    seed: typeof request.seed === "number" ? request.seed : 0,
    model: provenance?.fields.Model ?? provenance?.program ?? "",
    request,
    load: {},
  };
}

/** The receipt of an image that this program drew; undefined for any other image. */
export function readReceipt({ text }: Pick<ImageHeader, "text">): Receipt | undefined {
  const json = text[receiptKey];
  if (json === undefined) return undefined;
  try {
    return parseReceipt(json);
  } catch {
    return undefined; // of a later version, or damaged: what other programs can read is left
  }
}
