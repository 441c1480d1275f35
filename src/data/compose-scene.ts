// One scene from a seed and its number: described, then drawn.

import { describeScene, type SceneMix } from "./describe-scene.js";
import type { SceneDrawer } from "./draw-scene.js";
import type { Scene } from "./scene-types.js";

/**
 * Scene `index` of `seed`: RGB bytes of the drawer's size, its caption and its content. Equal arguments give
 * equal bytes.
 *
 * @param drawer made once from the loaded sprites
 * @param mix what `sceneMix` returned
 */
export function composeScene(seed: number, index: number, drawer: SceneDrawer, mix: SceneMix): Scene {
  return drawer.draw(describeScene(seed, index, mix, drawer.sprites));
}
