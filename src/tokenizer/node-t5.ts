// T5's tokenizer from a published folder (node).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withoutBom } from "../checkpoint/index.js";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { readSentencePiece } from "./sentencepiece.js";
import { extraTokens, makeT5Tokenizer, makeT5TokenizerOfPieces, type T5Tokenizer } from "./t5-tokenizer.js";

/** The files of a tokenizer: the first that is there is read. */
export const t5TokenizerFiles = ["tokenizer.json", "spiece.model"] as const;

/**
 * Opens the tokenizer of a folder with `tokenizer.json` or `spiece.model`, as DeepFloyd IF, Stable Diffusion 3 and FLUX have one.
 * @throws NishikiError "file", "checkpoint"
 */
export async function loadT5Folder(folder: string): Promise<T5Tokenizer> {
  const [whole, pieces] = await Promise.all(t5TokenizerFiles.map((name) => readBytes(join(folder, name))));
  if (whole) return named(join(folder, "tokenizer.json"), () => makeT5Tokenizer(parse(whole)));
  const path = join(folder, "spiece.model");
  if (!pieces) {
    const message = `${folder} holds no T5 tokenizer: expected tokenizer.json or spiece.model.`;
    throw new NishikiError("checkpoint", message);
  }
  const config = await readBytes(join(folder, "tokenizer_config.json"));
  const extra = config && named(join(folder, "tokenizer_config.json"), () => parse(config)).extra_ids;
  const isCount = typeof extra === "number" && Number.isSafeInteger(extra) && extra >= 0 && extra <= 10_000;
  const model = readSentencePiece(pieces, path);
  return named(path, () => makeT5TokenizerOfPieces(model, isCount ? extra : extraTokens));
}

async function readBytes(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(error, `read ${path}`);
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(withoutBom(new TextDecoder().decode(bytes)));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new NishikiError("checkpoint", "It is not valid JSON.", { cause });
  }
  throw new NishikiError("checkpoint", "It is not a JSON object.");
}

/** Says in which file something is wrong. */
function named<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    throw new NishikiError(error.code, `${path} cannot be used. ${error.message}`, { cause: error });
  }
}
