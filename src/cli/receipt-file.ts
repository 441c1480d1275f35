// Images that nishiki drew, as files: their receipts, and the images that the receipts name.
import { NishikiError } from "../errors.js";
import { decodePng, toRgb } from "../image/index.js";
import { readImageFile } from "../image/node.js";
import {
  type ImageReference,
  type InputImage,
  listImages,
  type Pixels,
  parseReceipt,
  type Receipt,
  receiptKey,
  receiptRequestSchema,
} from "../pipeline/index.js";
import { besideImage, readReferencedImage } from "../pipeline/node.js";

/** @throws NishikiError "file" that names the file */
function decode(file: string, bytes: Uint8Array): ReturnType<typeof decodePng> {
  try {
    return decodePng(bytes);
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    throw new NishikiError(
      error.code,
      error.message.replace(/^This/, () => file),
      { cause: error },
    );
  }
}

/**
 * Reads a PNG with a receipt.
 * @param done What is to be done with it, for the error: "verified"
 * @throws NishikiError "file" if it cannot be read or has no receipt
 */
export async function readReceiptFile(
  file: string,
  done: string,
): Promise<{ readonly receipt: Receipt; readonly pixels: Pixels }> {
  const { text, ...image } = decode(file, await readImageFile(file));
  const json = text[receiptKey];
  if (json === undefined)
    throw new NishikiError("file", `${file} has no receipt: only pictures that nishiki drew can be ${done}.`);
  const { width, height, data } = toRgb(image);
  const pixels = { width, height, channels: 3 as const, data: Uint8Array.from(data) };
  return { receipt: parseReceipt(json), pixels };
}

/** Where the images of a receipt are, by their names in the request: "init.image", "imagePrompt.images[0]". */
export type ImagePaths = Readonly<Record<string, string>>;

/** Options that may be repeated, and the lists that they stand for. */
const lists = {
  imagePrompt: "imagePrompt.images",
  styleImage: "styleReference.images",
  layoutImage: "layoutReference.images",
};

/** The options --image, --mask, --image-prompt, --style-image and --layout-image as paths. */
export function pickImagePaths(options: Readonly<Record<string, unknown>>): ImagePaths {
  const { image, mask } = options;
  return {
    ...(typeof image === "string" && { "init.image": image }),
    ...(typeof mask === "string" && { "inpaint.mask": mask }),
    ...Object.fromEntries(
      Object.entries(lists).flatMap(([option, path]) =>
        ((options[option] ?? []) as readonly string[]).map((file, i) => [`${path}[${i}]`, file]),
      ),
    ),
  };
}

/** The images that a receipt names: at the given paths, else beside the image, at the size that was drawn from. */
export async function findReceiptImages(
  file: string,
  { request }: Receipt,
  paths: ImagePaths,
): Promise<Record<string, InputImage>> {
  const images: Record<string, InputImage> = {};
  const named = await listImages(receiptRequestSchema, request);
  const find = (path: string) => {
    const reference = named.get(path) as ImageReference | undefined;
    return paths[path] ?? (reference && besideImage(file, reference.name));
  };
  for (const [path, reference] of named) {
    const from = find(path);
    if (from === undefined) continue;
    images[path] = await readReferencedImage(from, path, reference as ImageReference, find("init.image"));
  }
  return images;
}
