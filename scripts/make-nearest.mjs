// Looks for copies: draws random prompts, each above the nearest training scene by pixels.
//
//     npm run build && node scripts/make-nearest.mjs [MODEL_FOLDER] [OUT.png]
//
// Needs the sprites that `nishiki data build` writes. Compares with all common things in four styles, from each set of
// drawings that the style was trained on, as single things on white, at 32×32 pixels. Prompts name no colour and no
// background, the case most prone to copying.
// `nishiki evaluate` measures near copies in all styles; this script shows them.
import sharp from "sharp";
import {
  commonThings,
  describeContent,
  loadSprites,
  SceneDrawer,
  sceneMix,
  setsOf,
} from "../dist/data/index.js";
import { embeddedDrawings } from "../dist/evaluate/index.js";
import { contactSheet, resize } from "../dist/image/index.js";
import { renderSvgToPng } from "../dist/image/node.js";
import { loadPipeline } from "../dist/index.js";
import { random } from "../dist/random/index.js";

const [model, out = "docs/nearest.webp"] = process.argv.slice(2);
const styles = ["3d", "flat", "woodblock", "cubist"];
const mix = sceneMix({ positionJitter: 0, sizeJitter: 0, filters: 2 });
const sprites = await loadSprites(".data/sprites");
const drawer = new SceneDrawer(sprites);
const asImage = (data) => ({ width: 256, height: 256, channels: 3, data });
const small = (image) => resize(image, 32, 32).data;

const training = [];
for (const { name } of commonThings) {
  for (const style of styles) {
    const content = { things: [{ name, colour: null, count: 1 }], layout: "single", background: null, style };
    for (const set of setsOf(style, { drawings: embeddedDrawings })) {
      if (!sprites.has(name, set)) continue;
      const recipe = describeContent(content, 0, { ...mix, drawings: { [style]: { [set]: 1 } } }, sprites);
      const image = asImage(drawer.draw(recipe).pixels);
      training.push({ caption: `${name}, ${style}`, image, small: small(image) });
    }
  }
}

/** Root mean square difference of bytes. */
function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum / a.length);
}

const numbers = random(0, "nearest");
const pipeline = await loadPipeline({ model });
const rows = [[], []];
for (let i = 0; i < 8; i++) {
  const prompt = `${numbers.pick(commonThings).name}, ${numbers.pick(styles)}`;
  for await (const event of pipeline.generate({ prompt, seed: i })) {
    if (event.kind !== "image") continue;
    const image = asImage(event.pixels);
    const drawn = small(image);
    const ranked = training.map((scene) => ({ scene, far: distance(drawn, scene.small) }));
    const { scene, far } = ranked.reduce((best, each) => (each.far < best.far ? each : best));
    rows[0].push({ image, caption: prompt });
    rows[1].push({ image: scene.image, caption: `nearest: ${scene.caption} (${far.toFixed(1)})` });
  }
}
await pipeline.dispose();
await sharp(await renderSvgToPng(contactSheet(rows.flat(), { columns: 8, size: 160 }))).toFile(out);
console.log(out);
