// Scores where attention says that words went, against composed scenes, where the compositor knows it:
//
//     npm start -- data build --sets 3d,flat,silhouette --output .data/sprites
//     node scripts/score-attribution.mjs [--sprites .data/sprites] [--scenes 80] [--json scores.json]
//
// Each scene is drawn by image to image at strength 0.6 from its true caption, so that its things stay where they are.
// Printed: the share of maps whose maximum lies in the thing (the pointing game), and the intersection over union at the best
// threshold for all maps; beside them maps of random numbers, of the image's centre, and of another word of the caption.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as data from "../dist/data/index.js";
import { loadPipeline } from "../dist/index.js";
import { Attribution, scoreMap, thresholds } from "../dist/inspect/index.js";
import { random } from "../dist/random/index.js";

const { values } = parseArgs({
  options: {
    sprites: { type: "string", default: ".data/sprites" },
    scenes: { type: "string", default: "80" },
    seed: { type: "string", default: "77" },
    json: { type: "string" },
  },
});
const [count, seed] = [Number(values.scenes), Number(values.seed)];
const sprites = await data.loadSprites(values.sprites);
const drawer = new data.SceneDrawer(sprites);
const things = sprites.things.filter((name) => data.vocabulary.some((thing) => thing.name === name));
const mix = data.sceneMix(
  { things, twoThings: 0.6, counts: 0, positionJitter: 0.01, sizeJitter: 0.02 },
  sprites,
);
const pipeline = await loadPipeline();

/** [group][kind of map] → sums. */
const groups = new Map();
function tally(group, kind, { iou, isHit }) {
  const kinds = groups.get(group) ?? groups.set(group, new Map()).get(group);
  const sum =
    kinds.get(kind) ?? kinds.set(kind, { maps: 0, hits: 0, iou: thresholds.map(() => 0) }).get(kind);
  sum.maps++;
  sum.hits += isHit;
  iou.forEach((value, i) => {
    sum.iou[i] += value;
  });
}

const centre = Float32Array.from({ length: 64 }, (_, cell) =>
  Math.exp(-(((cell % 8) - 3.5) ** 2 + (Math.floor(cell / 8) - 3.5) ** 2) / 8),
);

for (let index = 0; index < count; index++) {
  const recipe = data.describeScene(seed, index, mix, sprites);
  const { pixels } = drawer.draw(recipe);
  const size = drawer.size;
  const attribution = new Attribution();
  let tokens;
  const probe = {
    onTokens: ({ cond }) => {
      tokens = cond;
    },
    onAttention: attribution.add,
  };
  const init = { image: { width: size, height: size, channels: 3, data: pixels }, strength: 0.6 };
  for await (const _ of pipeline.generate({ prompt: recipe.caption, seed: index, init }, { probe }));
  const maps = attribution.wordMaps(tokens);
  for (const thing of recipe.content.things) {
    const noun = thing.name.split(" ").at(-1);
    const at = maps.findLastIndex(({ word }) => word === noun);
    if (at < 0) continue; // the caption uses another name
    const mask = drawer.drawMask(recipe.placements.filter((placement) => placement.thing === thing.name));
    const noise = Float32Array.from(random(seed, `attribution ${index} ${thing.name}`).normals(64), Math.abs);
    const other = maps[(at + Math.max(1, Math.floor(maps.length / 2))) % maps.length];
    const scores = {
      attention: scoreMap(maps[at], mask, size),
      "another word": scoreMap(other, mask, size),
      centre: scoreMap({ height: 8, width: 8, data: centre }, mask, size),
      random: scoreMap({ height: 8, width: 8, data: noise }, mask, size),
    };
    const things = recipe.content.things.length === 1 ? "one thing" : "two things";
    for (const [kind, score] of Object.entries(scores))
      for (const group of ["all", things, recipe.content.style]) tally(group, kind, score);
  }
}
await pipeline.dispose();

const report = [...groups].map(([group, kinds]) => ({
  group,
  maps: kinds.get("attention").maps,
  scores: Object.fromEntries(
    [...kinds].map(([kind, { maps, hits, iou }]) => {
      const best = iou.indexOf(Math.max(...iou));
      return [kind, { hit: hits / maps, iou: iou[best] / maps, threshold: thresholds[best] }];
    }),
  ),
}));
for (const { group, maps, scores } of report) {
  const cells = Object.entries(scores).map(
    ([kind, { hit, iou }]) => `${kind} ${(100 * hit).toFixed(0)}% / ${iou.toFixed(2)}`,
  );
  console.log(`${group.padEnd(12)} ${String(maps).padStart(4)} maps: ${cells.join(", ")}`);
}
if (values.json) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
