export { type PhiloxKey, philox4x32 } from "./philox.js";
export { type Random, random } from "./random.js";
export { makeTorchCpu, type NormalSource } from "./torch-cpu.js";
export { makeTorchCuda } from "./torch-cuda.js";
