// Drawn images in other formats, for answers with URLs: /v1/images/files/ID.jpeg?compression=80
import type { Context } from "hono";
import type { Application } from "../application.js";
import { convert, getFormat } from "./answer.js";
import { Refusal } from "./errors.js";
import { outputFormats } from "./parameters.js";

export async function sendConverted(c: Context, application: Application): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const [, id, extension] = /^([0-9a-f]{64})\.(\w+)$/.exec(name) ?? [];
  const format = outputFormats.find((each) => each === extension);
  const text = c.req.query("compression");
  const quality = text === undefined ? undefined : Number(text);
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 0 && quality <= 100))
    throw new Refusal(400, "compression: expected a whole number from 0 to 100.", { param: "compression" });
  const file = id === undefined || !format ? undefined : await application.imageFile(id);
  if (!file || !format) throw new Refusal(404, `There is no image ${JSON.stringify(name.slice(0, 80))}.`);
  const bytes = await convert(file.bytes, getFormat(file.type), {
    output_format: format,
    output_compression: quality,
  });
  return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
    "Content-Type": `image/${format}`,
    "Cache-Control": "private, max-age=31536000, immutable",
  });
}
