// Images: list, files, marks, trash, archives, uploads.
import { ReadableStream } from "node:stream/web";
import type { Context } from "hono";
import { z } from "../../../schema/index.js";
import {
  imageIdSchema,
  imagePageSchema,
  imageQuerySchema,
  imageSchema,
  uploadSchema,
} from "../../api/index.js";
import type { FileBytes } from "../../application.js";
import { getFileName, getUploadName, makeArchive } from "../archive.js";
import type { Log } from "../environment.js";
import { describeFailure, refuse } from "../errors.js";
import { archiveBytes, archiveImages, uploadBytes } from "../limits.js";
import { type Route, type RouteInput, route } from "../route.js";

const tag = "images";
const aboutImage = { tag, id: imageIdSchema, noun: "image" } as const;
const imageTypes = ["image/png", "image/jpeg", "image/webp"];

const idsSchema = z.strictObject({ ids: z.array(imageIdSchema).min(1).max(archiveImages) });
const imagesAnswer = {
  200: { description: "the images as they are now", schema: z.object({ images: z.array(imageSchema) }) },
};

/** An id is the hash of the content, so what it names never changes. */
const immutable = "private, max-age=31536000, immutable";

/** Whether the client has this version already. */
const isKnown = (c: Context, tag: string) =>
  (c.req.header("if-none-match") ?? "").split(",").some((each) => each.trim().replace(/^W\//, "") === tag);

/** Answers with a file that never changes. The name says what the browser calls it when it saves it. */
async function sendFile(
  c: Context,
  version: string,
  read: () => Promise<FileBytes | undefined>,
  getName: (file: FileBytes) => Promise<string>,
): Promise<Response | undefined> {
  const headers = { ETag: `"${version}"`, "Cache-Control": immutable };
  if (isKnown(c, `"${version}"`)) return c.body(null, 304, headers);
  const file = await read();
  if (!file) return undefined;
  const disposition = c.req.query("download") === undefined ? "inline" : "attachment";
  return c.body(file.bytes as Uint8Array<ArrayBuffer>, 200, {
    ...headers,
    "Content-Type": file.type,
    "Content-Disposition": `${disposition}; filename="${await getName(file)}"`,
  });
}

/** What goes wrong while an answer is sent can only end it: what it was is for the log, not for the client. */
async function* hideFailure<T>(source: AsyncIterable<T>, onTrouble: Log): AsyncGenerator<T, void, void> {
  try {
    yield* source;
  } catch (error) {
    onTrouble(describeFailure(error) ?? String(error));
    throw new Error("The answer could not be finished.");
  }
}

async function sendArchive({
  application,
  context,
  body,
}: RouteInput<unknown, z.output<typeof idsSchema>>): Promise<Response> {
  const ids = [...new Set(body.ids)];
  const images = [];
  for (const id of ids)
    images.push((await application.image(id)) ?? refuse(404, `There is no image "${id}".`));
  if (images.reduce((sum, { bytes }) => sum + bytes, 0) > archiveBytes)
    refuse(413, "These images are too large for one archive: choose fewer.");
  const entries = images.map((image) => ({
    name: getFileName(image, "image/png"),
    created: image.created,
    read: async () => (await application.imageFile(image.id))?.bytes,
  }));
  const headers = {
    "Content-Type": "application/zip",
    "Content-Disposition": `attachment; filename="nishiki-${ids.length}.zip"`,
  };
  return new Response(ReadableStream.from(hideFailure(makeArchive(entries), context.onTrouble)) as BodyInit, {
    headers,
  });
}

const moveToTrash = (trashed: boolean): Route =>
  route({
    tag,
    method: "post",
    path: trashed ? "/images/trash" : "/images/restore",
    summary: trashed ? "Put images in the trash" : "Take images out of the trash",
    body: idsSchema,
    answers: imagesAnswer,
    handle: async ({ application, c, body }) =>
      c.json({ images: await application.trashImages(body.ids, trashed) }),
  });

export const imageRoutes: readonly Route[] = [
  route({
    tag,
    method: "get",
    path: "/images",
    summary: "List drawn images, newest first",
    query: imageQuerySchema,
    answers: { 200: { description: "a page of images", schema: imagePageSchema } },
    handle: async ({ application, c, query }) => c.json(await application.images(query)),
  }),
  moveToTrash(true),
  moveToTrash(false),
  route({
    tag,
    method: "post",
    path: "/images/empty-trash",
    summary: "Delete what is in the trash for good",
    answers: { 200: { description: "how many were deleted", schema: z.object({ deleted: z.int() }) } },
    handle: async ({ application, c }) => c.json({ deleted: await application.emptyTrash() }),
  }),
  route({
    tag,
    method: "post",
    path: "/images/zip",
    summary: "Get several images as one zip file",
    body: idsSchema,
    answers: { 200: { description: "the files", types: ["application/zip"] } },
    handle: sendArchive,
  }),
  route({
    ...aboutImage,
    method: "get",
    path: "/images/{id}",
    summary: "Get what is known about an image",
    answers: { 200: { description: "the image", schema: imageSchema } },
    async handle({ application, c, id }) {
      const image = await application.image(id);
      return image && c.json(image);
    },
  }),
  route({
    ...aboutImage,
    method: "patch",
    path: "/images/{id}",
    summary: "Mark an image as a favourite, or no longer",
    body: z.strictObject({ favourite: z.boolean().optional() }),
    answers: { 200: { description: "the image", schema: imageSchema } },
    async handle({ application, c, id, body }) {
      const image = await application.markImage(id, body);
      return image && c.json(image);
    },
  }),
  route({
    ...aboutImage,
    method: "get",
    path: "/images/{id}/file",
    summary: "Get the file of an image, drawn or uploaded",
    query: z.strictObject({
      download: z.string().max(10).optional().meta({ description: "given: browsers save the file" }),
    }),
    answers: { 200: { description: "the file as it was drawn or uploaded", types: imageTypes } },
    handle: ({ application, c, id }) =>
      sendFile(
        c,
        id,
        () => application.imageFile(id),
        async ({ type }) => {
          const image = await application.image(id);
          return image ? getFileName(image, type) : getUploadName(id, type);
        },
      ),
  }),
  route({
    ...aboutImage,
    method: "get",
    path: "/images/{id}/thumbnail",
    summary: "Get a small version of an image",
    answers: { 200: { description: "at most 512 pixels on the longer side", types: ["image/webp"] } },
    handle: ({ application, c, id }) =>
      sendFile(
        c,
        `${id}-small`,
        () => application.thumbnail(id),
        async ({ type }) => getUploadName(id, type),
      ),
  }),
  route({
    tag,
    method: "post",
    path: "/uploads",
    summary: "Upload an image that requests refer to",
    description: "The body is the file itself: PNG, JPEG or WebP. The same file has the same id.",
    file: { types: [...imageTypes, "application/octet-stream"], limit: uploadBytes },
    answers: { 200: { description: "its id, and the settings that it was made with", schema: uploadSchema } },
    handle: async ({ application, c, body }) => c.json(await application.upload(body as Uint8Array)),
  }),
];
