// Images that a request brings: stored like any upload. Their masks mark with transparency what to redraw; ours with white.
import { NishikiError } from "../../errors.js";
import type { Upload } from "../api/index.js";
import type { Application } from "../application.js";
import { Refusal } from "./errors.js";
import type { Body } from "./read-body.js";

export interface InputImages {
  readonly image: Upload;
  /** Id of the mask: white is redrawn. */
  readonly mask?: string;
}

/** Stores the images of a form. @throws Refusal */
export async function readInputImages(
  application: Application,
  { files }: Body,
  { takesMask }: { readonly takesMask: boolean },
): Promise<InputImages> {
  const names = takesMask ? ["image", "mask"] : ["image"];
  for (const name of files.keys())
    if (!names.includes(name))
      throw new Refusal(400, `Unknown file "${name.slice(0, 80)}"; expected ${names.join(" and ")}.`, {
        param: name.slice(0, 80),
        code: "unknown_parameter",
      });
  const image = getOnly(files, "image");
  if (!image)
    throw new Refusal(400, "image: expected a file, got none.", { param: "image", code: "missing" });
  const upload = await store(application, image, "image");
  const mask = getOnly(files, "mask");
  if (mask)
    return { image: upload, mask: await storeMask(application, mask, { name: "mask", image: upload }) };
  // Without a mask, the transparent part of the image is what to redraw.
  if (!takesMask || !upload.hasAlpha) return { image: upload };
  const own = await storeMask(application, image, { name: "image", image: upload });
  return { image: upload, ...(own !== undefined && { mask: own }) };
}

/** Refuses images that are sent as text. @throws Refusal */
export function checkFiles({ fields }: Body): void {
  for (const name of ["image", "mask"])
    if (Object.hasOwn(fields, name)) {
      const message = `${name}: expected a file, got text. Send the image itself, as a part with a file name.`;
      throw new Refusal(400, message, { param: name });
    }
}

function getOnly(files: Body["files"], name: string): Uint8Array | undefined {
  const list = files.get(name) ?? [];
  if (list.length <= 1) return list[0];
  const message = `${name}: expected one file, because the models here work on one image at a time; got ${list.length}.`;
  throw new Refusal(400, message, { param: name });
}

/** Runs a step that looks at a file; its errors name the parameter. */
async function aboutFile<T>(name: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof NishikiError) || !["file", "data", "usage"].includes(error.code)) throw error;
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      400,
      `${name}: ${error.message.replace(/^The image: /, "")}`,
      { param: name, code: "invalid_image" },
      { cause: error },
    );
  }
}

const store = (application: Application, bytes: Uint8Array, name: string) =>
  aboutFile(name, () => application.upload(bytes));

/**
 * Stores the mask that an image's transparency describes.
 * @returns Its id; undefined if the image named "image" has no transparent pixel, which asks for no mask
 */
async function storeMask(
  application: Application,
  bytes: Uint8Array,
  { name, image }: { readonly name: "image" | "mask"; readonly image: Upload },
): Promise<string | undefined> {
  const { readAlphaMask } = await import("../../image/node.js");
  const mask = await aboutFile(name, () => readAlphaMask(bytes, `The ${name}`));
  if (mask.share === 0) {
    if (name === "image") return undefined;
    const expected = "expected a PNG with transparent pixels (alpha 0) where the image is to be redrawn";
    throw new Refusal(400, `mask: ${expected}, got one without.`, { param: "mask", code: "invalid_image" });
  }
  if (mask.width !== image.width || mask.height !== image.height) {
    const expected = `expected ${image.width}x${image.height} pixels, the size of image`;
    throw new Refusal(400, `mask: ${expected}, got ${mask.width}x${mask.height}.`, {
      param: "mask",
      code: "invalid_image",
    });
  }
  return (await store(application, mask.png, name)).id;
}
