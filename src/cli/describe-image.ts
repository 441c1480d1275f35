// What an image says of how it was made.
import { listSome, quote } from "../errors.js";
import { decodePng, MAX_PIXELS, readProvenance, toRgb } from "../image/index.js";
import { type ImageInfo, inspectImage, readImageFile } from "../image/node.js";
import { parseReceipt, receiptKey, sha256 } from "../pipeline/index.js";
import { describeReceipt } from "./describe-receipt.js";
import { type Description, formatBytes } from "./description.js";

/** What can be compared with a receipt's hash without taking gigabytes. */
async function hashPixels(bytes: Uint8Array, { width, height }: ImageInfo): Promise<string | undefined> {
  if (width * height > MAX_PIXELS) return undefined;
  return sha256(Uint8Array.from(toRgb(decodePng(bytes)).data));
}

function describeSize({ width, height, depth, hasAlpha, frames }: ImageInfo, bytes: number): string {
  const parts = [
    `${width}x${height} pixels`,
    hasAlpha ? "RGB with transparency" : "RGB",
    ...(depth !== undefined && depth > 8 ? [`${depth} bits`] : []),
    ...(frames > 1 ? [`the first of ${frames} frames`] : []),
    formatBytes(bytes),
  ];
  return parts.join(", ");
}

/** @throws NishikiError "file" where it is no image that is known, or cannot be read */
export async function describeImage(file: string): Promise<Description> {
  const bytes = await readImageFile(file);
  const info = await inspectImage(bytes, file);
  const { text } = info;
  const values: Record<string, string> = { size: describeSize(info, bytes.length) };
  if (info.problems.length > 0) values.problems = info.problems.join("\n");
  const title = `${file}: ${info.format} picture`;
  const receipt = text[receiptKey];
  if (receipt !== undefined && info.format === "PNG") {
    const hash = await hashPixels(bytes, info);
    return { title, values, parts: [describeReceipt(parseReceipt(receipt), hash)] };
  }
  const found = readProvenance(text);
  if (!found) {
    const texts = Object.keys(text).map(quote);
    values.texts = texts.length === 0 ? "none: it does not say how it was made" : listSome(texts);
    return { title, values };
  }
  const { program, prompt, negativePrompt, fields, loras } = found;
  const said = {
    prompt: prompt || undefined,
    "negative prompt": negativePrompt || undefined,
    ...fields,
    LoRAs: loras?.map(({ name, weight }) => `${name} (${weight})`).join(", "),
  };
  return { title, values, parts: [{ title: `Made with ${program}`, values: said }] };
}
