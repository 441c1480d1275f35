// The images of a request in the drawing process: ids become pixels, read and fitted as the command line does with files.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NishikiError } from "../../errors.js";
import { getImageFormat } from "../../image/index.js";
import {
  type FileRequest,
  fileRequestSchema,
  type ImageRequest,
  mapImages,
  type RequestContext,
} from "../../pipeline/index.js";
import { readImages } from "../../pipeline/node.js";
import type { IdRequest, ImageFiles } from "./protocol.js";

export interface ReadRequest {
  readonly request: ImageRequest;
  readonly notices: readonly string[];
  /** The ids that the request named, by the image's path in it: "init.image". */
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * Reads a request's images. Receipts name them by their ids.
 * @throws NishikiError "usage", "file"
 */
export async function readRequestImages(
  request: IdRequest,
  images: ImageFiles,
  context: RequestContext,
): Promise<ReadRequest> {
  if (images.size === 0) return { request: request as ImageRequest, notices: [], ids: new Map() };
  const folder = await mkdtemp(join(tmpdir(), "nishiki-images-"));
  // Of an id, its first digits are enough to tell one image from another.
  const plain = (text: string) =>
    text
      .replaceAll(`${folder}/`, "")
      .replaceAll(`${folder}\\`, "")
      .replace(/\b([0-9a-f]{12})[0-9a-f]{52}\.[a-z]+/g, "$1…");
  try {
    const ids = new Map<string, string>();
    const paths = await mapImages(fileRequestSchema, request, (id, path) => {
      ids.set(path, id as string);
      return writeImage(folder, id as string, images);
    });
    const { request: whole, notices } = await readImages(paths as FileRequest, context);
    return { request: whole, notices: notices.map(plain), ids };
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    throw new NishikiError(error.code, plain(error.message), { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeImage(folder: string, id: string, images: ImageFiles): Promise<string> {
  const bytes = images.get(id);
  if (bytes === undefined) throw new NishikiError("usage", `There is no stored image with the id ${id}.`);
  const path = join(folder, `${id}.${getImageFormat(bytes)?.name.toLowerCase() ?? "png"}`);
  await writeFile(path, bytes);
  return path;
}
