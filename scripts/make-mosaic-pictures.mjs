// Makes the example data of docs/fine-tuning.md: thirty captioned images in a style absent from the embedded
// model's training. `node scripts/make-mosaic-pictures.mjs FOLDER`, after `npm start -- data build --sets
// 3d,flat`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeContent, loadSprites, SceneDrawer, sceneMix } from "../dist/data/index.js";
import { encodePng } from "../dist/image/index.js";

const [folder = "mosaic"] = process.argv.slice(2);
const things =
  "cat dog apple car tree house fish rocket guitar flower horse banana bus cactus crown duck elephant heart key lemon mushroom penguin pizza rose ship star teapot train turtle umbrella";
const names = things.split(" ");
const colours = ["blue", "yellow", "pink", "green"];

const sprites = await loadSprites(".data/sprites", ["flat", "3d"]);
const drawer = new SceneDrawer(sprites);
const mix = sceneMix({ things: names });
await mkdir(folder, { recursive: true });
for (const [i, name] of names.entries()) {
  const background = i % 3 === 0 ? { name: "plain", colour: colours[i % 4] } : null;
  const content = {
    things: [{ name, colour: null, count: 1 }],
    layout: "single",
    background,
    style: "mosaic",
  };
  const { pixels, caption } = drawer.draw(describeContent(content, 100 + i, mix, sprites));
  const image = { width: 256, height: 256, channels: 3, data: pixels };
  await writeFile(join(folder, `${name}.png`), encodePng(image));
  await writeFile(join(folder, `${name}.txt`), `${caption}\n`);
}
process.stdout.write(`${folder}\n`);
