// Synthetic encoded scenes for training: random numbers in files of the real number and size.
import { random } from "../src/random/index.js";
import {
  boxNumbers,
  EncodedScenes,
  mostBoxes,
  placeNumbers,
  writeShard,
} from "../src/training/tasks/encoded-scenes.js";
import { latentChannels, latentSize, textTokens, textWidth } from "./networks.js";

const scenesPerShard = 1000;

/** Writes a shard of scenes into a folder and opens it. Captions have 4 to 16 tokens. */
export async function makeScenes(folder: string): Promise<EncodedScenes> {
  const numbers = random(0, "bench");
  const starts = new Int32Array(scenesPerShard + 1);
  for (let i = 0; i < scenesPerShard; i++) starts[i + 1] = starts[i]! + 4 + numbers.integer(textTokens - 3);
  await writeShard(folder, 0, {
    latents: numbers.normals(scenesPerShard * latentSize * latentSize * latentChannels),
    latentShape: [scenesPerShard, latentSize, latentSize, latentChannels],
    text: numbers.normals(starts[scenesPerShard]! * textWidth),
    textWidth,
    starts,
    captions: Array.from({ length: scenesPerShard }, (_, i) => `scene ${i}`),
    // Half of the scenes are of two things, named by the first and by the second token.
    places: Int32Array.from({ length: scenesPerShard * placeNumbers }, (_, i) =>
      i % (2 * placeNumbers) < placeNumbers ? [1, 1, 2, 2, 3][i % placeNumbers]! : 0,
    ),
    boxes: new Float32Array(scenesPerShard * mostBoxes * boxNumbers),
  });
  const scenes = new EncodedScenes(folder, scenesPerShard, textWidth);
  await scenes.open(1);
  return scenes;
}
