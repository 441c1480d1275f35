// The part of the room that touches files (node).

export {
  decodePicture,
  type ImageInfo,
  inspectPicture,
  type ReadPictureOptions,
  readImageFile,
  readPicture,
  renderSvg,
  renderSvgToPng,
  scalePicture,
  toEightBits,
  type WritePngOptions,
  writePng,
} from "./node-file.js";
