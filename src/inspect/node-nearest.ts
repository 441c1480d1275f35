// The training pictures nearest to a drawing of the embedded model (node): scenes composed as for its training.
import {
  isHeldOut,
  loadSprites,
  readCaption,
  type Scene,
  type SceneContent,
  type SetName,
  type Sprites,
  setsOf,
} from "../data/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import {
  composeScenes,
  embeddedDrawings,
  embeddedMix,
  findNearestScenes,
  openClassifier,
} from "../evaluate/index.js";
import { resize } from "../image/index.js";
import type { Pixels } from "../pipeline/index.js";
import type { Explanation } from "./explanation.js";

/** Scenes that a drawing is compared with, at least. */
const sceneCount = 24;

type Nearest = NonNullable<Explanation["nearest"]>;

export interface NearestOptions {
  /** The folder that `nishiki data build` wrote. */
  readonly sprites: string;
  readonly threads?: number;
  readonly toUrl: (image: Pixels) => Promise<string>;
}

/** Sets of drawings; undefined if one of them was not built. */
async function openBuilt(folder: string, sets: readonly SetName[]): Promise<Sprites | undefined> {
  return loadSprites(folder, sets).catch((error: unknown) => {
    if (error instanceof NishikiError) return undefined;
    throw error;
  });
}

/** Scenes of a caption's content from each set that its style was trained on, if it was built and has the things. */
async function composeFromSets(
  content: SceneContent,
  folder: string,
  size: number,
): Promise<readonly Scene[]> {
  const { style, things } = content;
  const index = (await openBuilt(folder, []))?.shared.index;
  const isDrawn = (thing: string, set: SetName) =>
    index?.sprites.some((sprite) => sprite.thing === thing && sprite.set === set);
  const sets = setsOf(style, { drawings: embeddedDrawings }).filter((set) =>
    things.every(({ name }) => isDrawn(name, set)),
  );
  const scenes: Scene[] = [];
  for (const set of sets) {
    const sprites = await openBuilt(folder, [set]); // one at a time: each takes 150 MB
    const mix = { ...embeddedMix, drawings: { [style]: { [set]: 1 } } };
    const count = Math.ceil(sceneCount / sets.length);
    if (sprites) scenes.push(...composeScenes(content, count, { sprites, mix, size }));
  }
  return scenes;
}

/**
 * Finds the training pictures nearest to a drawing.
 * @param text The text that was encoded.
 * @returns Undefined if the drawings are not on this machine, or the text names nothing that they show.
 */
export async function findNearest(
  image: Pixels,
  text: string,
  { sprites: folder, threads, toUrl }: NearestOptions,
): Promise<Nearest | undefined> {
  const content = readCaption(text);
  if (!content || !(await openBuilt(folder, []))) return undefined;
  await using engine = makeEngine({ device: "cpu", ...(threads && { threads }) });
  const classifier = await openClassifier(engine);
  const size = classifier.pictureSize;
  const fitted = resize(image, size, size).data as Uint8Array;
  const scenes = await composeFromSets(content, folder, size);
  if (scenes.length === 0) return undefined;
  const { nearest, among, ...rest } = await findNearestScenes(fitted, scenes, classifier);
  const images = await Promise.all(
    nearest.map(async ({ scene: { pixels, caption }, psnr, distance }) => ({
      image: await toUrl({ width: size, height: size, channels: 3, data: pixels }),
      ...{ caption, psnr, distance },
    })),
  );
  return { ...rest, images, among, isHeldOut: isHeldOut(content) };
}
