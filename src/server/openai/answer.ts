// Answers: the images of a finished job in the form that a client asked for.
import { NishikiError } from "../../errors.js";
import type { Job, StoredImage } from "../api/index.js";
import type { Application } from "../application.js";
import { Refusal } from "./errors.js";
import type { OutputFormat, Parameters } from "./parameters.js";

export interface AnswerOptions {
  readonly application: Application;
  readonly parameters: Parameters;
  /** Whether images are sent as URLs. */
  readonly withUrls: boolean;
  /** The server's address as the client knows it: "http://127.0.0.1:7860". */
  readonly origin: string;
}

/** Tokens are what their models are paid by; ours count none. */
export const usage = {
  input_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
  output_tokens: 0,
  total_tokens: 0,
};

const toBase64 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** The bytes of an image file in another format. */
export async function convert(
  bytes: Uint8Array,
  from: OutputFormat,
  {
    output_format: format,
    output_compression: quality,
  }: Pick<Parameters, "output_format" | "output_compression">,
): Promise<Uint8Array> {
  if (from === format && quality === undefined) return bytes;
  // Loaded only here: most clients take PNG files as they are.
  const { convertImage } = await import("../../image/node.js");
  return convertImage(bytes, { format, quality });
}

export const getFormat = (type: string) => type.replace("image/", "") as OutputFormat;

/** An image as base64. */
export async function toBase64Image(
  file: { readonly bytes: Uint8Array; readonly type: string },
  parameters: Parameters,
): Promise<string> {
  const format = getFormat(file.type);
  const isLossless = format === "png" && parameters.output_format === "png";
  return toBase64(isLossless ? file.bytes : await convert(file.bytes, format, parameters));
}

/** What an answer says about each image beside its bytes. */
export const describeImage = ({ id, seed }: StoredImage, origin: string) => ({
  seed,
  id,
  link: `${origin}/api/v1/images/${id}/file`,
});

/** What an answer says about all images. */
export const describeOutput = (image: Pick<StoredImage, "width" | "height">, parameters: Parameters) => ({
  size: `${image.width}x${image.height}`,
  quality: getQuality(parameters.quality),
  background: "opaque" as const,
  output_format: parameters.output_format,
});

function getQuality(quality: Parameters["quality"]): "low" | "medium" | "high" {
  if (quality === "low" || quality === "high") return quality;
  return quality === "hd" ? "high" : "medium";
}

export async function readFile(application: Application, { id }: StoredImage) {
  const file = await application.imageFile(id);
  if (!file) throw new NishikiError("internal", `The file of the image ${id} is missing.`);
  return file;
}

/** The answer to a request that is not streamed. @throws Refusal if the job drew nothing */
export async function makeAnswer(job: Job, options: AnswerOptions): Promise<Record<string, unknown>> {
  checkEnd(job);
  const { application, parameters, withUrls, origin } = options;
  const images = [...job.images].sort((a, b) => a.index - b.index);
  const data = [];
  for (const image of images) {
    const form = withUrls
      ? { url: getUrl(image, options) }
      : { b64_json: await toBase64Image(await readFile(application, image), parameters) };
    data.push({ ...form, ...describeImage(image, origin) });
  }
  return {
    created: Math.floor(Date.parse(job.created) / 1000),
    ...describeOutput(images[0]!, parameters),
    data,
    usage,
    ...(job.warnings.length > 0 && { warnings: job.warnings }),
  };
}

function getUrl({ id }: StoredImage, { origin, parameters }: AnswerOptions): string {
  const { output_format: format, output_compression: quality } = parameters;
  if (format === "png") return `${origin}/api/v1/images/${id}/file`;
  return `${origin}/v1/images/files/${id}.${format}${quality === undefined ? "" : `?compression=${quality}`}`;
}

/** @throws NishikiError if a job ended without images */
export function checkEnd(job: Job): void {
  if (job.error) {
    const { code, message, hint } = job.error;
    const text = hint === null || message.includes(hint) ? message : `${message} ${hint}`;
    const status = code === "usage" ? 400 : 500;
    throw new Refusal(status, text, { code });
  }
  if (job.state === "cancelled" || job.images.length === 0)
    throw new Refusal(409, "The job was cancelled before it was done.", { code: "cancelled" });
}
