// CLIP tokenizers from files: a published tokenizer folder, or the bundled vocabulary for checkpoints without
// one (node).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { withoutBom } from "../checkpoint/index.js";
import { fileError } from "../checkpoint/node.js";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import {
  type AddedToken,
  type ClipTokenizer,
  clipVocabulary,
  makeClipTokenizer,
  parseMerges,
} from "./clip-tokenizer.js";

/**
 * Opens the tokenizer with CLIP's standard vocabulary, which all published Stable Diffusion models share.
 * @param padToken The padding token: "<|endoftext|>" in 1.x and XL's first encoder, "!" in 2.x and XL's
 *   second.
 */
export async function loadEmbeddedClip(padToken?: string): Promise<ClipTokenizer> {
  const path = getPackageFile("weights", "clip-merges.txt.gz");
  const packed = await readFile(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  return makeClipTokenizer(clipVocabulary(parseMerges(gunzipSync(packed).toString("utf8")), padToken));
}

/**
 * Opens the tokenizer of a folder with `vocab.json` and `merges.txt`, or `tokenizer.json`, as in diffusers'
 * model folders.
 * @throws NishikiError "file", "checkpoint"
 */
export async function loadClipFolder(folder: string): Promise<ClipTokenizer> {
  const [vocab, merges, whole, config] = await Promise.all([
    readJson(folder, "vocab.json"),
    readText(folder, "merges.txt"),
    readJson(folder, "tokenizer.json"),
    readJson(folder, "tokenizer_config.json"),
  ]);
  const padToken = await readPad(folder, config);
  const added = readAdded(whole, config, await readJson(folder, "added_tokens.json"));
  const more = { added, ...(padToken !== undefined && { padToken }) };
  if (isVocabulary(vocab) && merges !== undefined) {
    const lines = parseMerges(merges);
    if (lines.length > 0) return makeClipTokenizer({ vocabulary: vocab, merges: lines, ...more });
    throw new NishikiError("checkpoint", `${join(folder, "merges.txt")} cannot be used: it has no merges.`);
  }
  const { vocab: vocabulary, merges: pairs } = toRecord(toRecord(whole).model);
  if (isVocabulary(vocabulary) && Array.isArray(pairs)) {
    // Newer files have pairs, older ones strings.
    const lines = pairs.map((pair: unknown) => (Array.isArray(pair) ? pair.join(" ") : String(pair)));
    return makeClipTokenizer({ vocabulary, merges: lines, ...more });
  }
  throw new NishikiError(
    "checkpoint",
    `${folder} holds no CLIP tokenizer: expected vocab.json and merges.txt, or tokenizer.json.`,
  );
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Reads tokens added to the vocabulary, in each layout; later files take precedence. */
function readAdded(whole: unknown, config: unknown, names: unknown): AddedToken[] {
  const found = new Map<string, AddedToken>();
  const add = (content: unknown, id: unknown, normalized: unknown) => {
    if (typeof content !== "string" || !Number.isSafeInteger(id)) return;
    found.set(content, { content, id: id as number, normalized: normalized === true });
  };
  for (const [content, id] of Object.entries(toRecord(names))) add(content, id, true);
  const { added_tokens: list } = toRecord(whole);
  for (const token of Array.isArray(list) ? list.map(toRecord) : [])
    add(token.content, token.id, token.normalized);
  for (const [id, token] of Object.entries(toRecord(toRecord(config).added_tokens_decoder)))
    add(toRecord(token).content, Number(id), toRecord(token).normalized);
  return [...found.values()];
}

function isVocabulary(value: unknown): value is Readonly<Record<string, number>> {
  return (
    typeof value === "object" && value !== null && Object.values(value).every((id) => typeof id === "number")
  );
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  try {
    return withoutBom(await readFile(join(folder, name), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(error, `read ${join(folder, name)}`);
  }
}

async function readJson(folder: string, name: string): Promise<unknown> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NishikiError("checkpoint", `${join(folder, name)} is not valid JSON.`, { cause });
  }
}

/** Reads the padding token: a string, or an object with its content. */
async function readPad(folder: string, config: unknown): Promise<string | undefined> {
  for (const source of [await readJson(folder, "special_tokens_map.json"), config]) {
    const found = toRecord(source).pad_token;
    const content = toRecord(found).content ?? found;
    if (typeof content === "string") return content;
  }
  return undefined;
}
