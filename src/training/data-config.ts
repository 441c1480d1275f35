// Which pictures a run learns from: scenes that are composed, or a folder of the user's own.
import {
  backgroundNames,
  colourNames,
  defaultMix,
  type SceneMix,
  sceneMix,
  sceneSize,
  styleNames,
  vocabulary,
} from "../data/index.js";
import {
  type Check,
  filledText,
  isRecord,
  listOf,
  numberWithin,
  oneOf,
  reject,
  wholeNumber,
} from "../pipeline/check.js";
import { field, needed, recordWith, type Table } from "./fields.js";

export interface ScenesConfig {
  readonly sprites: string;
  readonly mix: SceneMix;
  readonly workers: number;
  readonly size: number;
}

export interface FolderConfig {
  readonly folder: string;
  readonly size: number;
}

export type DataConfig = { readonly scenes: ScenesConfig } | FolderConfig;

const share = numberWithin(0, 1);

const styleWeights: Check<SceneMix["styles"]> = (value, where) => {
  if (!isRecord(value)) return reject(where, "an object of styles and their weights", value);
  for (const [name, weight] of Object.entries(value)) {
    oneOf(styleNames)(name, where);
    numberWithin(0, 1e6)(weight, `${where}.${name}`);
  }
  return value as SceneMix["styles"];
};

/** A list of names, or all there are. */
const things: Check<SceneMix["things"]> = (value, where) =>
  value === "all" ? vocabulary.map(({ name }) => name) : listOf(filledText)(value, where);

const mixTable: Table<SceneMix> = {
  things: field(things, 'names from the vocabulary, or "all"', defaultMix.things, "the common ones"),
  rarer: field(share, "share of things that are not common ones, where there are both", defaultMix.rarer),
  styles: field(styleWeights, "styles and how often each is drawn", defaultMix.styles),
  colours: field(listOf(oneOf(colourNames)), "colours", defaultMix.colours),
  backgrounds: field(listOf(oneOf(backgroundNames)), "backgrounds", defaultMix.backgrounds),
  twoThings: field(share, "share of scenes with two things", defaultMix.twoThings),
  counts: field(share, "share of scenes with several of one thing", defaultMix.counts),
  small: field(share, "share of small things", defaultMix.small),
  recoloured: field(share, "share of recoloured things", defaultMix.recoloured),
  withBackground: field(share, "share of scenes with a background", defaultMix.withBackground),
  plainBackground: field(share, "share of plain ones among backgrounds", defaultMix.plainBackground),
  positionJitter: field(share, "how far things lie from their place", defaultMix.positionJitter),
  sizeJitter: field(share, "how much sizes differ", defaultMix.sizeJitter),
};

const scenesTable: Table<ScenesConfig> = {
  sprites: field(filledText, 'folder that "nishiki data build" wrote', ".data/sprites"),
  mix: field(recordWith(mixTable), "the mix of scenes", defaultMix),
  workers: field(wholeNumber(0, 16), "threads that draw", 1),
  size: field(wholeNumber(64, 1024), "side of scenes in pixels", sceneSize),
};

const folderTable: Table<FolderConfig> = {
  folder: needed(filledText, "pictures with captions"),
  size: field(wholeNumber(8, 4096), "side in pixels to which pictures are cropped and resized", 256),
};

/** Scenes, with defaults for what is not given. */
export function scenesOf(value: unknown, where = "data.scenes"): DataConfig {
  const { mix, ...rest } = recordWith(scenesTable)(value, where);
  return { scenes: { ...rest, mix: sceneMix(mix) } };
}

/** `{ "scenes": { sprites, mix, workers, size } }` or `{ "folder": path, "size": pixels }`. */
export const readData: Check<DataConfig> = (value, where) => {
  if (isRecord(value) && "scenes" in value) {
    const { scenes, ...rest } = value;
    if (Object.keys(rest).length > 0) reject(where, '"scenes" alone, or "folder" and "size"', value);
    return scenesOf(scenes, `${where}.scenes`);
  }
  if (isRecord(value) && "folder" in value) {
    return recordWith(folderTable)(value, where);
  }
  return reject(where, '{ "scenes": { … } } or { "folder": "path" }', value);
};
