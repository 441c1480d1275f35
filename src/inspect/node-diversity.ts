// How much images differ, in the eyes of the package's classifier (node).
import { makeEngine } from "../engine/node.js";
import { openClassifier, spread } from "../evaluate/index.js";
import { resize } from "../image/index.js";
import type { Pixels } from "../pipeline/index.js";

/** Mean distance between two of the images, in the classifier's features. */
export async function measureDiversity(images: readonly Pixels[], threads?: number): Promise<number> {
  await using engine = makeEngine({ device: "cpu", ...(threads && { threads }) });
  const classifier = await openClassifier(engine);
  const size = classifier.pictureSize;
  const fitted = images.map((image) => resize(image, size, size).data as Uint8Array);
  return spread((await classifier.classify(fitted)).map(({ features }) => features));
}
