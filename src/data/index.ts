export { type BackgroundName, backgroundNames, backgroundPhrases, firstBackgrounds } from "./backgrounds.js";
export { type BuildSpritesOptions, type BuildSpritesReport, buildSprites } from "./build-sprites.js";
export { decodeText } from "./caption-text.js";
export { type CaptionWords, captionWords } from "./caption-words.js";
export { type Phrase, writeCaption } from "./captions.js";
export { type ColourName, colourNames, firstColours } from "./colours.js";
export { composeScene } from "./compose-scene.js";
export {
  defaultMix,
  describeContent,
  describeMix,
  describeScene,
  type SceneMix,
  type SceneOptions,
  type StyleDrawings,
  sceneMix,
  setsOf,
  wholeCatalogue,
} from "./describe-scene.js";
export { SceneDrawer } from "./draw-scene.js";
export { isHeldOut, isHeldOutPair, pairsOf } from "./held-out.js";
export { canBeMirrored } from "./mirrored.js";
export {
  CaptionedImages,
  type FolderEntry,
  type FolderProblem,
  type ImagesOptions,
  type OpenFolderOptions,
  openFolder,
} from "./open-folder.js";
export { abstractWords, peopleWords } from "./people-words.js";
export { type PreviewSheet, type PreviewSheetOptions, previewSheet } from "./preview-sheet.js";
export { readCaption } from "./read-caption.js";
export {
  type LabelClasses,
  labelClasses,
  labelsOf,
  type Question,
  questionNames,
  questions,
  questionViews,
} from "./scene-labels.js";
export type {
  CaptionedImage,
  Placement,
  Scene,
  SceneBackground,
  SceneContent,
  SceneLayout,
  SceneRecipe,
  SceneThing,
} from "./scene-types.js";
export { sceneSize, showsMany } from "./scene-types.js";
export { type ScenesOptions, scenes } from "./scenes.js";
export { readSpriteIndex, type SpriteEntry, type SpriteIndex, type SpriteSetEntry } from "./sprite-index.js";
export { type SetName, type SpriteSet, spriteSets } from "./sprite-sets.js";
export { type Catalogue, loadSprites, type SharedSprites, type Sprite, Sprites } from "./sprites.js";
export { defaultStyle, type Style, type StyleName, styleNamed, styleNames } from "./styles.js";
export {
  commonThings,
  furtherThings,
  rarerThings,
  type Thing,
  thingNamed,
  vocabulary,
} from "./vocabulary.js";
