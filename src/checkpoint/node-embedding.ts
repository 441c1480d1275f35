// Textual inversions (Gal et al. 2022, arXiv:2208.01618): files with the vectors of a word that a text
// encoder does not know (node).
import { basename, extname } from "node:path";
import { listSome, NishikiError, quote, showShape } from "../errors.js";
import { openSafetensors, type SafetensorsFile } from "./node-file.js";

/** Stacked vectors: `[rows, width]`. */
export interface LearnedVectors {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

export interface LearnedWord {
  readonly file: string;
  /** The word as written in a prompt. */
  readonly word: string;
  /** One entry per text encoder of the model, in order; XL's files have two. */
  readonly encoders: readonly LearnedVectors[];
}

/** Widths of published models' text encoders. */
const usualWidths = [768, 1024, 1280];

/**
 * stable-diffusion-webui's format as safetensors: vectors by word, or by "*" if the file name is the word.
 */
const packed = /^string_to_param\.(.+)$/;
/** Other entries of such files. */
const notNeeded = /^(string_to_token\.|name$|step$|sd_checkpoint)/;

/** Whether a file looks like a textual inversion. */
export async function isEmbedding(path: string): Promise<boolean> {
  const { tensors } = await openSafetensors(path);
  if (tensors.has("clip_l") && tensors.has("clip_g")) return true;
  if ([...tensors.keys()].some((name) => packed.test(name))) return true;
  const [only] = tensors.values();
  if (tensors.size !== 1 || !only) return false;
  const isTable = only.shape.length <= 2 && only.shape.length > 0;
  return isTable && (only.name === "emb_params" || usualWidths.includes(only.shape.at(-1)!));
}

/**
 * Opens a textual inversion: one tensor, named after the word, "emb_params" or "string_to_param.*"; or XL's
 * "clip_l" and "clip_g".
 * @throws NishikiError "file", "checkpoint" if it is not a textual inversion, or a pickle.
 */
export async function openEmbedding(path: string): Promise<LearnedWord> {
  if (/\.(ckpt|pt|pth|bin)$/i.test(path)) {
    const message = `${path} is not supported: it is a pickle, which can run arbitrary code when loaded. Use a .safetensors file.`;
    throw new NishikiError("checkpoint", message);
  }
  const file = await openSafetensors(path);
  const names = [...file.tensors.keys()].filter((name) => !notNeeded.test(name));
  const stem = basename(path, extname(path));
  if (names.includes("clip_l") && names.includes("clip_g")) {
    const encoders = [await readVectors(file, "clip_l"), await readVectors(file, "clip_g")];
    return { file: path, word: stem, encoders };
  }
  const [only] = names;
  if (names.length !== 1 || only === undefined) {
    const some = names.length === 0 ? "nothing" : listSome(names.map(quote), 3);
    const message = `${path} is not a textual inversion: expected one tensor, or "clip_l" and "clip_g", got ${some}.`;
    throw new NishikiError("checkpoint", message);
  }
  const inside = packed.exec(only)?.[1] ?? only;
  const word = inside === "emb_params" || inside === "*" ? stem : inside;
  return { file: path, word, encoders: [await readVectors(file, only)] };
}

async function readVectors(file: SafetensorsFile, name: string): Promise<LearnedVectors> {
  const { shape } = file.tensors.get(name)!;
  const [rows, width] = shape.length === 1 ? [1, shape[0]!] : shape;
  if (shape.length > 2 || !rows || !width) {
    const message = `${file.path} is not a textual inversion: ${quote(name)} is ${showShape(shape)}, expected vectors [rows, width].`;
    throw new NishikiError("checkpoint", message);
  }
  const data = await file.readFloat32(name);
  if (data.every(Number.isFinite)) return { rows, width, data };
  const message = `${file.path} is damaged: ${quote(name)} has non-finite numbers. Download it again.`;
  throw new NishikiError("checkpoint", message);
}
