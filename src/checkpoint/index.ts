// The part of the room that runs anywhere; file access is in node.ts.

export {
  bitsPerElement,
  byteLength,
  type StoredDtype,
  storedDtypes,
  type TensorArray,
  type TensorData,
  viewElements,
} from "./dtype.js";
export { toFloat32 } from "./float32.js";
export {
  bf16ToFloat32,
  f16ToFloat32,
  float32ToBf16,
  float32ToF16,
  fromBf16,
  fromF16,
  toBf16,
  toF16,
} from "./half.js";
export { parseHeader, readHeaderLength, type SafetensorsHeader, type TensorEntry } from "./header.js";
export { layOut, type TensorSpec } from "./layout.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  type SafetensorsContent,
} from "./memory-file.js";
export { withoutBom } from "./text.js";
