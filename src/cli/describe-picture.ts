// What a picture says of how it was made.
import { decodePng, readProvenance, toRgb } from "../image/index.js";
import { type PictureReference, parseReceipt, type Receipt, receiptKey, sha256 } from "../pipeline/index.js";
import { type Description, formatBytes } from "./description.js";
import { readBytes } from "./read-bytes.js";

function describeReceipt({ request, model, ...receipt }: Receipt, pixels: string): Description {
  const { guidanceInterval, negative, image, mask, extend, tile, fast, ...settings } = request;
  const picture = (given: PictureReference | undefined) =>
    given && `${given.name || "not a file"}, ${given.width}x${given.height}`;
  const sides = Object.entries(extend ?? {}).filter(([, pixels]) => pixels > 0);
  return {
    title: "Receipt",
    values: {
      ...settings,
      negative: negative || undefined,
      guidanceInterval: guidanceInterval.join(" to "),
      image: picture(image),
      mask: picture(mask),
      extend: extend && sides.map(([side, pixels]) => `${side} ${pixels}`).join(", "),
      tile: tile ? "yes" : undefined,
      fast: fast ? "yes" : undefined,
      model: `${model.name} ${model.version}`,
      drawnBy: `nishiki ${receipt.version} on ${receipt.device}, ${receipt.platform}, ${receipt.runtime}`,
      pixels: pixels === receipt.pixels ? "as they were drawn" : "changed since they were drawn",
    },
    parts: [{ title: "SHA-256 of the model's files", values: model.weights }],
  };
}

/** @throws NishikiError "file" where it is no PNG or cannot be read. */
export async function describePicture(file: string): Promise<Description> {
  const bytes = await readBytes(file);
  const picture = decodePng(bytes);
  const { width, height, channels, text } = picture;
  const values: Record<string, string> = {
    size: `${width}x${height} pixels, ${channels === 4 ? "RGB with transparency" : "RGB"}, ${formatBytes(bytes.length)}`,
  };
  const title = `${file}: PNG picture`;
  const receipt = text[receiptKey];
  if (receipt !== undefined) {
    const hash = await sha256(Uint8Array.from(toRgb(picture).data));
    return { title, values, parts: [describeReceipt(parseReceipt(receipt), hash)] };
  }
  const found = readProvenance(text);
  if (!found) {
    const texts = Object.keys(text).join(", ");
    values.texts = texts === "" ? "none: it does not say how it was made" : texts;
    return { title, values };
  }
  const { program, prompt, negativePrompt, fields } = found;
  const said = { prompt: prompt || undefined, "negative prompt": negativePrompt || undefined, ...fields };
  return { title, values, parts: [{ title: `Made with ${program}`, values: said }] };
}
