// A process of its own for image work: it decodes images and makes thumbnails, so that the image library's memory is not the
// server's, and an image that brings the library down brings only this process down.
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { writeFileAtomic } from "../../checkpoint/node.js";
import { MAX_PIXELS } from "../../image/index.js";
import { toEightBits } from "../../image/node.js";

/** The longer side of a thumbnail in pixels, at most. */
const thumbnailSide = 512;

export interface ThumbnailTask {
  readonly id: number;
  readonly from: string;
  /** Undefined: only the colour is asked for. */
  readonly to?: string;
}

export type ThumbnailReply =
  | { readonly id: number; readonly colour: string }
  | { readonly id: number; readonly problem: string };

sharp.cache(false);

async function makeThumbnail({ from, to }: ThumbnailTask): Promise<string> {
  const file = await toEightBits(await readFile(from));
  const image = sharp(file, { failOn: "error", limitInputPixels: MAX_PIXELS }).rotate().toColourspace("srgb");
  const small = image.resize(thumbnailSide, thumbnailSide, { fit: "inside", withoutEnlargement: true });
  const { data, info } = await small.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  if (to !== undefined)
    await writeFileAtomic(to, await sharp(data, { raw }).webp({ quality: 80, effort: 3 }).toBuffer());
  return getAverageColour(data, info.channels);
}

function getAverageColour(data: Uint8Array, channels: number): string {
  const sums = [0, 0, 0];
  for (let at = 0; at < data.length; at += channels)
    for (let c = 0; c < 3; c++) sums[c]! += data[at + (channels < 3 ? 0 : c)]!;
  const pixels = data.length / channels;
  return `#${sums
    .map((sum) =>
      Math.round(sum / pixels)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

process.on("message", (task: ThumbnailTask) => {
  makeThumbnail(task).then(
    (colour) => process.send?.({ id: task.id, colour } satisfies ThumbnailReply),
    (error: unknown) => {
      const problem = error instanceof Error ? error.message.split("\n")[0]! : String(error);
      process.send?.({ id: task.id, problem } satisfies ThumbnailReply);
    },
  );
});
// The server ended without a word.
process.on("disconnect", () => process.exit(0));
