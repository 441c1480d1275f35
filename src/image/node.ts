// The part of the room that touches files (node).

export {
  decodePicture,
  type ReadPictureOptions,
  readPicture,
  renderSvg,
  renderSvgToPng,
  scalePicture,
  type WritePngOptions,
  writePng,
} from "./node-file.js";
