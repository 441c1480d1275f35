// The part of the room that touches files (node).

export { type AlphaMask, readAlphaMask } from "./node-alpha-mask.js";
export { type ConvertOptions, convertImage } from "./node-convert.js";
export {
  decodeImage,
  encodePngAside,
  type ImageInfo,
  inspectImage,
  type ReadImageOptions,
  readImage,
  readImageFile,
  renderSvg,
  renderSvgToPng,
  scaleImage,
  toEightBits,
  type WritePngOptions,
  writePng,
} from "./node-file.js";
export { encodeFilm, type FilmOptions } from "./node-film.js";
export { encodeWebp, type WebpOptions } from "./node-webp.js";
