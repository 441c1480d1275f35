// Visits the images of a request, wherever its schema declares one, to replace files with pixels or pixels with references.
import { getElement, getMeta, getShape, type z } from "../schema/index.js";

/** @param path The image's path in the request: "init.image". */
type Change = (image: unknown, path: string) => unknown;

/** Replaces every image of a request, in schema order. Other values keep their identity. */
export async function mapImages(
  schema: z.core.$ZodType,
  value: unknown,
  change: Change,
  path = "",
): Promise<unknown> {
  if (value === undefined) return undefined;
  if (getMeta(schema, "isImage")) return change(value, path);
  const element = getElement(schema);
  if (element && Array.isArray(value))
    return Promise.all(value.map((entry, i) => mapImages(element, entry, change, `${path}[${i}]`)));
  const shape = getShape(schema);
  if (!shape || typeof value !== "object" || value === null) return value;
  const changed: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(shape)) {
    if (!Object.hasOwn(changed, name)) continue;
    const inside = path === "" ? name : `${path}.${name}`;
    changed[name] = await mapImages(field, changed[name], change, inside);
  }
  return changed;
}

/** The images of a request by path: "init.image", "inpaint.mask". */
export async function listImages(schema: z.core.$ZodType, value: unknown): Promise<Map<string, unknown>> {
  const images = new Map<string, unknown>();
  await mapImages(schema, value, (image, path) => {
    images.set(path, image);
    return image;
  });
  return images;
}
