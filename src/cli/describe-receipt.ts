// What a receipt says, for people. Settings are listed as they are declared, so that a new one needs nothing here.
import {
  formatSize,
  type ImageReference,
  type ImageSize,
  type Receipt,
  receiptRequestSchema,
} from "../pipeline/index.js";
import { listFields } from "../schema/index.js";
import type { Description } from "./description.js";

/** A setting in words: "left 64", "0 to 0.5", "cat.png, 64x64". */
function describeSetting(path: string, value: unknown): string | number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "boolean") return value ? "yes" : undefined;
  if (path === "guidanceInterval") return (value as readonly number[]).join(" to ");
  if (Array.isArray(value)) return value.map((item) => describeSetting("", item) ?? "").join(", ");
  const entries = Object.entries(value as object);
  if (path === "size") return formatSize(value as ImageSize);
  if (entries.some(([name]) => name === "sha256")) {
    const { name, ...size } = value as ImageReference;
    return `${name || "not a file"}, ${formatSize(size)}`;
  }
  const parts = entries.filter(([, part]) => part !== 0);
  return parts.map(([name, part]) => `${name} ${part}`).join(", ");
}

const valueAt = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((inside, name) => (inside as Record<string, unknown> | undefined)?.[name], value);

/** All settings of a request by their paths, in the order of their declaration. */
function describeRequest(request: Receipt["request"]): Description["values"] {
  const fields = listFields(receiptRequestSchema).map(({ path }) => path);
  const isGroup = (path: string) => path !== "size" && fields.some((other) => other.startsWith(`${path}.`));
  const leaves = fields.filter((path) => !isGroup(path) && !path.startsWith("size."));
  const values = leaves.map((path) => [path, valueAt(request, path)] as const);
  return Object.fromEntries(
    values
      .filter(([, value]) => value !== undefined)
      .map(([path, value]) => [path, describeSetting(path, value)]),
  );
}

/** What was loaded besides the model. */
function describeLoad({
  loras = [],
  embeddings = [],
  vae,
  ipAdapter,
  imageEncoder,
  clip,
  precision,
  prediction,
}: Receipt["load"]): Description["values"] {
  const names = (files: readonly { readonly file: string }[]) =>
    files.map(({ file }) => file).join(", ") || undefined;
  const weighted = loras.map(({ file, weight }) => ({ file: `${file}:${weight}` }));
  return {
    lora: names(weighted),
    embedding: names(embeddings),
    vae: vae?.file,
    ipAdapter: ipAdapter?.file,
    imageEncoder: imageEncoder?.file,
    clip: clip?.file,
    precision,
    prediction,
  };
}

function describePixels(hash: string | undefined, receipt: Pick<Receipt, "pixels">): string {
  if (hash === undefined) return "too many to be compared";
  return hash === receipt.pixels ? "as they were drawn" : "changed since they were drawn";
}

/** Request, what was loaded, and what drew. `pixels` is the SHA-256 of the file's pixels, where they were read. */
export function describeReceipt(
  { request, model, load, ...receipt }: Receipt,
  pixels: string | undefined,
): Description {
  return {
    title: "Receipt",
    values: {
      ...describeRequest(request),
      ...describeLoad(load),
      model: `${model.name} ${model.version}`,
      drawnBy: `nishiki ${receipt.version} on ${receipt.device}, ${receipt.platform}, ${receipt.runtime}`,
      pixels: describePixels(pixels, receipt),
    },
    parts: [{ title: "SHA-256 of the model's files", values: model.weights }],
  };
}
