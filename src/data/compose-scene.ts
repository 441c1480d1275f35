// Composes one scene from a seed and its index.

import { describeScene, type SceneMix } from "./describe-scene.js";
import type { SceneDrawer } from "./draw-scene.js";
import type { Scene } from "./scene-types.js";

/**
 * Composes scene `index` of `seed`: RGB bytes of the drawer's size, caption and content. Equal arguments give
 * equal bytes.
 *
 * @param drawer made once from the loaded sprites
 * @param mix the result of `sceneMix`
 */
export function composeScene(seed: number, index: number, drawer: SceneDrawer, mix: SceneMix): Scene {
  return drawer.draw(describeScene(seed, index, mix, drawer.sprites));
}
