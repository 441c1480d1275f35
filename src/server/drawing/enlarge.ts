// Enlarges an image in the drawing process.
import {
  encodePng,
  formatParameters,
  type Image,
  parseParameters,
  readImageHeader,
  toRgb,
} from "../../image/index.js";
import { decodeImage, scaleImage } from "../../image/node.js";
import { checkAborted } from "../../pipeline/index.js";
import { enlargeByNetwork } from "../../pipeline/node.js";
import type { WorkEvent } from "../parts.js";
import type { EnlargeTask } from "./protocol.js";
import { checkEnlargement, upscalers } from "./upscalers.js";

export interface EnlargeOptions {
  readonly signal: AbortSignal;
  readonly report: (event: WorkEvent) => void;
}

/** @throws NishikiError "file" for an image that cannot be decoded, "usage", "aborted" and what the network throws */
export async function enlarge(task: EnlargeTask, { signal, report }: EnlargeOptions): Promise<void> {
  const image = await decodeImage(task.image, { alpha: true }, "The image");
  const size = checkEnlargement(image, task);
  const onDoubling = (done: number, of: number) =>
    report({
      kind: "progress",
      progress: {
        ...{ stage: "enlarge", index: 0, count: 1, step: done, steps: of },
        ...{ fraction: done / (of + 1), secondsLeft: null },
      },
    });
  const result =
    task.upscaler === "lanczos"
      ? await scaleImage(image, size.width, size.height)
      : await enlargeByDoubling(image, size, { signal, onDoubling });
  checkAborted(signal);
  report({ kind: "image", index: 0, png: encodePng(result, { text: describe(task) }) });
}

/** Doubles until the image is large enough, and then shrinks it to the size that was asked for. */
async function enlargeByDoubling(
  image: Image,
  size: { readonly width: number; readonly height: number },
  options: { readonly signal: AbortSignal; onDoubling(done: number, of: number): void },
): Promise<Image> {
  const doublings = Math.max(
    1,
    Math.ceil(Math.log2(Math.max(size.width / image.width, size.height / image.height))),
  );
  const opaque = toRgb(image);
  const rgb = { ...opaque, channels: 3 as const, data: Uint8Array.from(opaque.data) };
  const large = await enlargeByNetwork(rgb, doublings, options);
  const fitted =
    large.width === size.width && large.height === size.height
      ? large
      : await scaleImage(large, size.width, size.height);
  return image.channels === 4 ? joinAlpha(fitted, await scaleImage(image, size.width, size.height)) : fitted;
}

/** The colours of one image with the transparency of another of the same size. */
function joinAlpha(colours: Image, alpha: Image): Image {
  const data = new Uint8Array(colours.width * colours.height * 4);
  for (let pixel = 0; pixel < data.length / 4; pixel++) {
    for (let c = 0; c < 3; c++) data[pixel * 4 + c] = colours.data[pixel * 3 + c]!;
    data[pixel * 4 + 3] = alpha.data[pixel * 4 + 3]!;
  }
  return { ...colours, channels: 4, data };
}

/** The settings of the image before, and how it was enlarged. The receipt is left out: it tells of other pixels. */
function describe({ image, factor, upscaler }: EnlargeTask): Record<string, string> {
  const before = readImageHeader(image)?.text.parameters ?? "";
  const { prompt, negativePrompt, fields } = parseParameters(before);
  const label = upscalers.find(({ name }) => name === upscaler)!.label;
  const added = { "Postprocess upscale by": factor, "Postprocess upscaler": label };
  // Readers take a last line for fields only where it has three.
  const known = Object.keys(fields).length > 0 ? fields : { Version: "nishiki" };
  return { parameters: formatParameters({ prompt, negativePrompt, fields: { ...known, ...added } }) };
}
