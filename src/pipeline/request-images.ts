// The images of a request, wherever its declaration has one: pixels in place of files, references in place of pixels.
import { getElement, getMeta, getShape, type z } from "../schema/index.js";

/** @param path Where the image stands: "init.image". */
type Change = (image: unknown, path: string) => unknown;

/** A value with every image replaced, in the order of the declaration. What is no image stays the same object. */
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

/** The images of a request by where they stand: "init.image", "inpaint.mask". */
export async function listImages(schema: z.core.$ZodType, value: unknown): Promise<Map<string, unknown>> {
  const images = new Map<string, unknown>();
  await mapImages(schema, value, (image, path) => {
    images.set(path, image);
    return image;
  });
  return images;
}
