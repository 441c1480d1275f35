// Where the drawings are that scenes are composed of (node).
import { resolve } from "node:path";

/** Sprites that `nishiki data build` wrote: NISHIKI_SPRITES, else `.data/sprites` in the folder of the process. */
export const findSprites = () => resolve(process.env.NISHIKI_SPRITES ?? ".data/sprites");
