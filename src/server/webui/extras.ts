// Images enlarged without a prompt. Filters are quick and run here, on the image library's threads; networks run as jobs.
import { addPngText, type Image, toRgb } from "../../image/index.js";
import type { ImageSize } from "../../pipeline/index.js";
import { flag, isRecord, numberBetween, wholeNumber, z } from "../../schema/index.js";
import type { Capabilities } from "../api/index.js";
import type { Application, Caller } from "../application.js";
import { refuse } from "./errors.js";
import { readFields } from "./fields.js";
import { makeGate } from "./gate.js";
import { readImage, storePixels } from "./images.js";
import { readTexts } from "./png-info.js";
import type { Task, Tasks } from "./tasks.js";

const text = z.string().default("None");
const side = wholeNumber(1, 32_768).default(512);
const common = {
  resize_mode: wholeNumber(0, 1).default(0),
  upscaling_resize: numberBetween(0.1, 8).default(2),
  upscaling_resize_w: side,
  upscaling_resize_h: side,
  upscaling_crop: flag.default(true),
  upscaler_1: text,
  upscaler_2: text,
  extras_upscaler_2_visibility: numberBetween(0, 1).default(0),
  gfpgan_visibility: numberBetween(0, 1).default(0),
  codeformer_visibility: numberBetween(0, 1).default(0),
};
const singleSchema = z.object({ ...common, image: z.string() });
const batchSchema = z.object({
  ...common,
  imageList: z
    .array(z.object({ data: z.string(), name: z.string().default("") }))
    .min(1)
    .max(100),
});
type Fields = z.output<z.ZodObject<typeof common>>;

/** Images that are enlarged at a time. */
const gate = makeGate(2);

/** What one request enlarges with. */
interface Enlarging {
  readonly application: Application;
  readonly tasks: Tasks;
  readonly caller: Caller;
  readonly capabilities: Capabilities;
  readonly fields: Fields;
  readonly task: Task;
}

const isNone = (name: string) => ["", "none"].includes(name.toLowerCase());

/** An upscaler by its name or label; "nearest" is a filter that no job needs. */
function findUpscaler(name: string, { upscalers }: Capabilities, field: string): string {
  if (name.toLowerCase() === "nearest") return "nearest";
  const wanted = name.toLowerCase();
  const found = upscalers.find((one) => [one.name, one.label].some((own) => own.toLowerCase() === wanted));
  if (found) return found.name;
  const choices = ["None", "Nearest", ...upscalers.map(({ label }) => label)].join(", ");
  return refuse(422, `${field}: expected one of ${choices}, got ${name}.`);
}

/** The size of the enlarged image; in mode 1 the size that covers the one asked for. */
export function getLargeSize(image: ImageSize, fields: Fields): ImageSize & { readonly factor: number } {
  const { resize_mode: mode, upscaling_resize: by, upscaling_resize_w: w, upscaling_resize_h: h } = fields;
  const factor = mode === 0 ? by : Math.max(w / image.width, h / image.height);
  const scale = (length: number) => Math.max(1, Math.round(length * factor));
  return { width: scale(image.width), height: scale(image.height), factor };
}

async function scale(image: Image, { width, height }: ImageSize, kernel?: "nearest"): Promise<Image> {
  if (image.width === width && image.height === height) return image;
  const { scaleImage } = await import("../../image/node.js");
  return scaleImage(image, width, height, kernel);
}

/** Runs an upscaler as a job. */
async function runJob(image: Image, upscaler: string, factor: number, enlarging: Enlarging): Promise<Image> {
  const { application, tasks, caller, task } = enlarging;
  const request = {
    kind: "enlarge" as const,
    image: await storePixels(application, image),
    factor,
    upscaler,
    labels: { api: "webui", task: task.id },
  };
  const { job } = await application.createJob(request, caller);
  const { state, images, error } = await tasks.wait(task, job);
  if (state === "cancelled") refuse(500, "Interrupted");
  const file = images[0] && (await application.imageFile(images[0].id));
  if (!file)
    refuse(500, error ? [error.message, error.hint].filter(Boolean).join(" ") : "The job left no image.");
  const { decodeImage } = await import("../../image/node.js");
  return decodeImage(file.bytes, { alpha: true }, "The enlarged image");
}

async function enlarge(image: Image, upscaler: string, enlarging: Enlarging): Promise<Image> {
  const size = getLargeSize(image, enlarging.fields);
  if (size.width * size.height > enlarging.capabilities.limits.imagePixels)
    refuse(422, `upscaling_resize: ${size.width}x${size.height} pixels are more than this server makes.`);
  if (upscaler === "nearest") return scale(image, size, "nearest");
  if (upscaler === "lanczos" || size.factor <= 1) return scale(image, size);
  if (size.factor > 8)
    refuse(422, `upscaling_resize: expected at most 8 times, got ${size.factor.toFixed(2)}.`);
  return scale(await runJob(image, upscaler, size.factor, enlarging), size);
}

/** Cuts out the middle. */
function cut(image: Image, { width, height }: ImageSize): Image {
  const { channels } = image;
  const [left, top] = [Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2)];
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((y + top) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}

/** Mixes two images of one size; `share` is the second's. */
function blend(first: Image, second: Image, share: number): Image {
  const [a, b] = first.channels === second.channels ? [first, second] : [toRgb(first), toRgb(second)];
  return {
    ...a,
    data: Uint8Array.from(a.data, (value, i) => Math.round(value * (1 - share) + b.data[i]! * share)),
  };
}

/** One image, enlarged as the fields say, and what is written into its file. */
async function process(base64: string, field: string, enlarging: Enlarging) {
  const { capabilities, fields } = enlarging;
  const image = await readImage(base64, field, capabilities.limits, { alpha: true });
  const { upscaler_1: first, upscaler_2: second, extras_upscaler_2_visibility: share } = fields;
  if (isNone(first)) return { image, notes: {} };
  let large = await enlarge(image, findUpscaler(first, capabilities, "upscaler_1"), enlarging);
  const isMixed = share > 0 && !isNone(second);
  if (isMixed) {
    const other = await enlarge(image, findUpscaler(second, capabilities, "upscaler_2"), enlarging);
    large = blend(large, other, share);
  }
  const { upscaling_resize_w: width, upscaling_resize_h: height } = fields;
  const isCut = fields.resize_mode === 1 && fields.upscaling_crop;
  const notes = {
    ...(fields.resize_mode === 0
      ? { "Postprocess upscale by": fields.upscaling_resize }
      : { "Postprocess upscale to": `${width}x${height}` }),
    ...(isCut && { "Postprocess crop to": `${width}x${height}` }),
    "Postprocess upscaler": first,
    ...(isMixed && { "Postprocess upscaler 2": second }),
  };
  return { image: isCut ? cut(large, { width, height }) : large, notes };
}

async function finish(base64: string, field: string, enlarging: Enlarging) {
  if (enlarging.task.stop.signal.aborted) refuse(500, "Interrupted");
  const { image, notes } = await process(base64, field, enlarging);
  const { encodePngAside } = await import("../../image/node.js");
  const { parameters } = await readTexts(base64, field, enlarging.capabilities.limits);
  const note = Object.entries(notes)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");
  const texts = { ...(parameters && { parameters }), ...(note && { postprocessing: note }) };
  const png = addPngText(await encodePngAside(image), texts);
  return { base64: Buffer.from(png).toString("base64"), note };
}

function checkRestorers({ gfpgan_visibility, codeformer_visibility }: Fields): void {
  if (gfpgan_visibility === 0 && codeformer_visibility === 0) return;
  refuse(422, "gfpgan_visibility, codeformer_visibility: expected 0: this server has no face restorer.");
}

const escapeHtml = (note: string) =>
  note.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const toHtml = (note: string) => (note === "" ? "" : `<p>${escapeHtml(note)}</p>`);

export interface Extras {
  readonly application: Application;
  readonly tasks: Tasks;
  readonly caller: Caller;
}

let counter = 0;

async function run<T>(
  extras: Extras,
  fields: Fields,
  count: number,
  work: (enlarging: Enlarging) => Promise<T>,
) {
  checkRestorers(fields);
  const capabilities = await extras.application.capabilities();
  for (const field of ["upscaler_1", "upscaler_2"] as const)
    if (!isNone(fields[field])) findUpscaler(fields[field], capabilities, field);
  const id = `task(extras${Date.now().toString(36)}${(counter++).toString(36)})`;
  return extras.tasks.run({ id, owner: extras.caller.owner, kind: "extras", count }, (task) =>
    work({ ...extras, capabilities, fields, task }),
  );
}

export async function enlargeSingle(extras: Extras, body: unknown) {
  const fields = readFields(singleSchema, body);
  const { base64, note } = await run(extras, fields, 1, (enlarging) =>
    gate(() => finish(fields.image, "image", enlarging)),
  );
  return { html_info: toHtml(note), image: base64 };
}

export async function enlargeBatch(extras: Extras, body: unknown) {
  if (isRecord(body) && Array.isArray(body.imageList) && body.imageList.length === 0)
    refuse(422, "imageList: expected at least one image.");
  const fields = readFields(batchSchema, body);
  const images = await run(extras, fields, fields.imageList.length, async (enlarging) => {
    const finished: Awaited<ReturnType<typeof finish>>[] = [];
    for (const [i, { data }] of fields.imageList.entries())
      finished.push(await gate(() => finish(data, `imageList.${i}.data`, enlarging)));
    return finished;
  });
  return { html_info: toHtml(images[0]?.note ?? ""), images: images.map(({ base64 }) => base64) };
}
