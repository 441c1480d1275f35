// Types of scenes: the content (what the caption says) and the recipe (content plus layout).

import type { LayoutName } from "../models/index.js";
import type { BackgroundName } from "./backgrounds.js";
import type { Phrase } from "./captions.js";
import type { ColourName } from "./colours.js";
import type { SetName } from "./sprite-sets.js";
import type { StyleName } from "./styles.js";

/** Side of a scene in pixels. */
export const sceneSize = 256;

/** One kind of thing in a scene. */
export interface SceneThing {
  readonly name: string;
  /** null: original colours. */
  readonly colour: ColourName | null;
  /** 1 to 4. */
  readonly count: number;
}

/** A background; `colour` for plain ones and patterns, null for landscapes. */
export interface SceneBackground {
  readonly name: BackgroundName;
  readonly colour: ColourName | null;
}

/**
 * Arrangement of the things. Besides those of one or two things: up to six in rows; up to six far off, near
 * and in the sky; the first on the second; the first in front of the second.
 */
export type SceneLayout = LayoutName | "group" | "landscape" | "on" | "front";

const layoutsOfMany: ReadonlySet<SceneLayout> = new Set(["group", "landscape", "on", "front"]);

/** Whether a layout is one of the newer ones: of many things, or of one on or in front of another. */
export function showsMany(layout: SceneLayout): boolean {
  return layoutsOfMany.has(layout);
}

/** The content of a scene and its caption. */
export interface SceneContent {
  /**
   * In image order: left before right, above before below; in a landscape, in the caption's order. Their
   * names differ, except in layouts of two.
   */
  readonly things: readonly SceneThing[];
  readonly layout: SceneLayout;
  /** null: plain near-white. */
  readonly background: SceneBackground | null;
  readonly style: StyleName;
}

/** Position of one drawing: centre and longer side, as shares of the image's side. */
export interface Placement {
  readonly thing: string;
  readonly colour: ColourName | null;
  readonly set: SetName;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Drawn as in a mirror. */
  readonly mirrored?: true;
}

/** Everything needed to draw a scene. */
export interface SceneRecipe {
  readonly content: SceneContent;
  readonly caption: string;
  /** The caption's phrase for each thing. */
  readonly phrases: readonly Phrase[];
  readonly placements: readonly Placement[];
  /** Chooses among a background's and a filter's few variants, 0 to 2^32 - 1. */
  readonly variant: number;
  /** Version of the filters. Default: the first. */
  readonly filters?: 2;
}

/** A captioned image for training, composed or from a folder. */
export interface CaptionedImage {
  /** `size × size` RGB bytes, rows from top to bottom. */
  readonly pixels: Uint8Array;
  readonly caption: string;
}

/** A composed image. */
export interface Scene extends CaptionedImage {
  readonly content: SceneContent;
  readonly phrases: readonly Phrase[];
  /** Boxes of its things in drawing order. */
  readonly placements: readonly Placement[];
}
