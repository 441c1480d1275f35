// Images in requests: base64, with or without the head of a data URL. Addresses are never fetched.

import { NishikiError } from "../../errors.js";
import type { Image } from "../../image/index.js";
import type { Capabilities } from "../api/index.js";
import type { Application } from "../application.js";
import { refuse } from "./errors.js";

type Limits = Capabilities["limits"];

const head = /^data:[\w.+/;=-]{0,100},/;

/** The bytes of an image in a request. */
export function readBase64(text: string, field: string, { uploadBytes }: Limits): Uint8Array {
  if (/^(?:https?|ftp|file):/i.test(text))
    refuse(422, `${field}: expected an image in base64. This server fetches no addresses.`);
  const body = text.replace(head, "");
  if (body.length > (uploadBytes * 4) / 3 + 4)
    refuse(413, `${field}: expected an image of at most ${Math.floor(uploadBytes / 1e6)} MB.`);
  const plain = body.replaceAll(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
  if (plain === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain))
    refuse(422, `${field}: expected an image in base64, got other text.`);
  return Buffer.from(plain, "base64");
}

/** Rejects errors of an image's file by the name of its field. */
async function forField<T>(field: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NishikiError && ["file", "data", "usage"].includes(error.code))
      refuse(422, `${field}: invalid image. ${error.message}`);
    throw error;
  }
}

/** The pixels of an image in a request, after its size was checked. The image library is loaded on first use. */
export async function readImage(
  text: string,
  field: string,
  limits: Limits,
  options: { readonly alpha?: boolean } = {},
): Promise<Image> {
  const bytes = readBase64(text, field, limits);
  const { decodeImage, inspectImage } = await import("../../image/node.js");
  const { width, height } = await forField(field, inspectImage(bytes, "The file"));
  if (width * height > limits.imagePixels) {
    const most = Math.floor(limits.imagePixels / 1e6);
    refuse(422, `${field}: expected an image of at most ${most} million pixels, got ${width}x${height}.`);
  }
  return forField(field, decodeImage(bytes, options, "The file"));
}

/** Stores pixels as an upload. @returns its id */
export async function storePixels(application: Application, image: Image): Promise<string> {
  const { encodePngAside } = await import("../../image/node.js");
  return (await application.upload(await encodePngAside(image))).id;
}
