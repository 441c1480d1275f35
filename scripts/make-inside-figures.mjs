// Draws the figures of docs/how-it-works.md from an explanation:
//
//     npm start -- explain "a blue cat and a red house" --seed 4 --output inside.json
//     node scripts/make-inside-figures.mjs inside.json docs
//
// It writes inside-steps.webp, inside-words.webp and inside-average.webp.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { contactSheet } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";

const [file, folder] = process.argv.slice(2);
const explanation = JSON.parse(await readFile(file, "utf8"));
const { width, height, stepImages, image, words, seeds } = explanation;

const decode = async (url) => {
  const bytes = Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data: new Uint8Array(data) };
};

/** The image, dimmed where a map is low, as the page shows it. */
async function spotlight(url, map) {
  const picture = await decode(url);
  const mask = await sharp(Buffer.from(map.data, "base64"), {
    raw: { width: map.width, height: map.height, channels: 1 },
  })
    .resize(width, height, { kernel: "cubic" })
    .extractChannel(0)
    .raw()
    .toBuffer();
  const data = picture.data.map(
    (value, i) => value * (1 - 0.88 * (1 - mask[Math.floor(i / 3)] / 255) ** 1.3),
  );
  return { ...picture, data };
}

async function write(name, entries, columns) {
  const sheet = contactSheet(entries, { columns, size: 128 });
  await sharp(await renderSvgToPng(sheet))
    .webp({ quality: 82 })
    .toFile(join(folder, `${name}.webp`));
  console.log(join(folder, `${name}.webp`));
}

const chosen = [1, 2, 4, 7, 10, 13, 16, stepImages.length].filter((step) => step <= stepImages.length);
await write(
  "inside-steps",
  await Promise.all(
    chosen.map(async (step) => ({ image: await decode(stepImages[step - 1]), caption: `step ${step}` })),
  ),
  chosen.length,
);
await write(
  "inside-words",
  await Promise.all(
    words.map(async ({ word, map }) => ({ image: await spotlight(image, map), caption: word })),
  ),
  words.length,
);
await write(
  "inside-average",
  [
    { image: await decode(seeds.first), caption: "first prediction" },
    { image: await decode(seeds.mean), caption: `mean of ${seeds.images.length}` },
    { image: await decode(image), caption: "this picture" },
    ...(await Promise.all(
      seeds.images
        .slice(1, 6)
        .map(async (one) => ({ image: await decode(one.image), caption: `seed ${one.seed}` })),
    )),
  ],
  8,
);
