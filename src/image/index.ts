// Everything of the room that runs anywhere; what touches files is in node.ts.

export { readExifText } from "./exif.js";
export { FORMAT_BYTES, getImageFormat, type ImageFormat, readableFormats } from "./format.js";
export { type GridOptions, joinGrid, resize } from "./grid.js";
export {
  formatParameters,
  type ParametersToWrite,
  type PictureParameters,
  parseParameters,
} from "./parameters.js";
export { checkPicture, MAX_PIXELS, type Picture, toRgb } from "./picture.js";
export { escapeXml, type PlotOptions, plotLines, type Series } from "./plot.js";
export { type DecodedPicture, decodePng, encodePng, inspectPng, type PngInfo, readPngText } from "./png.js";
export { type PictureProgram, type Provenance, readProvenance } from "./provenance.js";
export { type CaptionedPicture, contactSheet, type SheetOptions } from "./sheet.js";
