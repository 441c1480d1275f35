// Everything of the room that runs anywhere; what touches files is in node.ts.

export { readExifText } from "./exif.js";
export { FORMAT_BYTES, getImageFormat, type ImageFormat, readableFormats } from "./format.js";
export { type GridOptions, joinGrid, resize } from "./grid.js";
export { type HeaderFormat, type ImageHeader, readImageHeader } from "./header.js";
export { checkImage, checkSize, type Image, MAX_PIXELS, toRgb } from "./image.js";
export {
  formatParameters,
  type ImageParameters,
  type ParametersToWrite,
  parseParameters,
} from "./parameters.js";
export { escapeXml, type PlotOptions, plotLines, type Series } from "./plot.js";
export {
  addPngText,
  type DecodedImage,
  decodePng,
  encodePng,
  inspectPng,
  type PngInfo,
  readPngText,
} from "./png.js";
export { type ImageProgram, type Provenance, readProvenance } from "./provenance.js";
export { type Box, resizeBicubic } from "./resize-bicubic.js";
export { type CaptionedImage, contactSheet, type SheetOptions } from "./sheet.js";
