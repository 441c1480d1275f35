// The training pictures nearest to a drawing of the embedded model (node): scenes composed as for its training.
import { isHeldOut, loadSprites, readCaption, type SceneContent, styleNamed } from "../data/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { composeScenes, embeddedMix, findNearestScenes, openClassifier } from "../evaluate/index.js";
import { resize } from "../image/index.js";
import type { Pixels } from "../pipeline/index.js";
import type { Explanation } from "./explanation.js";

/** Scenes that a drawing is compared with. */
const sceneCount = 24;

type Nearest = NonNullable<Explanation["nearest"]>;

export interface NearestOptions {
  /** The folder that `nishiki data build` wrote. */
  readonly sprites: string;
  readonly threads?: number;
  readonly toUrl: (image: Pixels) => Promise<string>;
}

/** The style's sets of drawings; those that were not built are done without. */
async function openSprites({ style }: SceneContent, folder: string) {
  for (const set of styleNamed(style).sets) {
    const sprites = await loadSprites(folder, [set]).catch((error: unknown) => {
      if (error instanceof NishikiError) return undefined;
      throw error;
    });
    if (sprites) return sprites;
  }
  return undefined;
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
  const sprites = content && (await openSprites(content, folder));
  if (!content || !sprites) return undefined;
  await using engine = makeEngine({ device: "cpu", ...(threads && { threads }) });
  const classifier = await openClassifier(engine);
  const size = classifier.pictureSize;
  const fitted = resize(image, size, size).data as Uint8Array;
  const scenes = composeScenes(content, sceneCount, { sprites, mix: embeddedMix, size });
  const { nearest, among, ...rest } = await findNearestScenes(fitted, scenes, classifier);
  const images = await Promise.all(
    nearest.map(async ({ scene: { pixels, caption }, psnr, distance }) => ({
      image: await toUrl({ width: size, height: size, channels: 3, data: pixels }),
      ...{ caption, psnr, distance },
    })),
  );
  return { ...rest, images, among, isHeldOut: isHeldOut(content) };
}
