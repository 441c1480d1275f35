// Chooses the files of a repository that generation needs: configs, tokenizers, and one variant of the
// weights.
import { listSome, NishikiError, quote, showText } from "../errors.js";
import { isInside } from "./check-answer.js";

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** For large files: SHA-256 of the content. */
  readonly sha256?: string;
  /** For all others: git's blob hash, SHA-1 of a header and the content. */
  readonly oid?: string;
}

export interface Choice {
  /** "fp16" (half the size) or "full"; falls back to the other if unavailable. Default fp16. */
  readonly variant?: "fp16" | "full";
  /** One file of the repository: a single-file checkpoint, a LoRA, an embedding. */
  readonly file?: string;
  /** Folders of networks to leave out. */
  readonly without?: readonly string[];
}

const networks = ["unet", "vae", "text_encoder", "text_encoder_2"];
/** What Kandinsky 2.2 and Karlo have beside these; a folder with all of Kandinsky names the prior's parts "prior_…". */
const unclipNetworks = [
  ...["prior", "movq", "image_encoder", "decoder", "text_proj", "super_res_first", "super_res_last"],
  ...["prior_prior", "prior_text_encoder", "prior_image_encoder"],
];
const unclipConfig =
  /^((\w+_)?scheduler\/scheduler_config|(prior_)?image_processor\/preprocessor_config|feature_extractor\/preprocessor_config)\.json$/;
/** What Stable unCLIP has beside these. */
const imageNetworks = ["image_encoder", "image_normalizer"];
const otherConfigs = [
  "model_index.json",
  "scheduler/scheduler_config.json",
  "image_noising_scheduler/scheduler_config.json",
  "low_res_scheduler/scheduler_config.json",
];
const tokenizerFiles = [
  "vocab.json",
  "merges.txt",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "spiece.model",
];

/**
 * Chooses the files to download.
 * @param repository Its name in error messages.
 * @throws NishikiError "usage" for a missing file, "checkpoint" if the repository holds no supported model.
 */
export function chooseFiles(
  files: readonly HubFile[],
  repository: string,
  { variant = "fp16", file, without = [] }: Choice = {},
) {
  if (file !== undefined) return [chosenFile(files, repository, file)];
  if (files.some(({ path }) => path === "model_index.json"))
    return wholeFolder(withoutParts(files, repository, without), repository, variant);
  const clip = wholeClip(files, variant);
  if (clip) return clip;
  const single = files.filter(({ path }) => /^(?!\._)[^/]+\.safetensors$/i.test(path));
  if (single.length === 1) return single;
  if (single.length > 1) {
    const names = listSome(
      single.map(({ path }) => showText(path)),
      12,
    );
    const message = `${repository} holds several models; name one with --file: ${names}.`;
    throw new NishikiError("usage", message);
  }
  throw new NishikiError("checkpoint", `${repository} cannot be used: ${whatElse(files)}.`);
}

/** A CLIP has its config, its weights, its tokenizer and its image processor at the top; undefined for anything else. */
function wholeClip(files: readonly HubFile[], variant: "fp16" | "full"): HubFile[] | undefined {
  const top = files.filter(({ path }) => !path.includes("/"));
  const names = ["config.json", "preprocessor_config.json"];
  if (!names.every((name) => top.some(({ path }) => path === name))) return undefined;
  const weights = chooseWeights(top, variant);
  if (weights.length === 0) return undefined;
  return [...top.filter(({ path }) => [...names, ...tokenizerFiles].includes(path)), ...weights];
}

function whatElse(files: readonly HubFile[]): string {
  const pickles = files.filter(({ path }) => /\.(ckpt|bin|pt|pth)$/i.test(path));
  if (pickles.length === 0) return "it has neither a model_index.json nor a .safetensors file";
  const names = listSome(
    pickles.map(({ path }) => showText(path)),
    3,
  );
  return `it has only pickles (${names}), which run code when loaded, and no .safetensors file`;
}

function chosenFile(files: readonly HubFile[], repository: string, name: string): HubFile {
  if (!isInside(name)) {
    const message = `--file: expected a path inside the repository, such as unet/model.safetensors, got ${quote(name)}.`;
    throw new NishikiError("usage", message);
  }
  const namedFile = files.find(({ path }) => path === name);
  if (!namedFile) {
    const like = files.filter(({ path }) => /\.safetensors$/i.test(path)).map(({ path }) => showText(path));
    const choices = like.length > 0 ? `It has ${listSome(like, 12)}` : "It has no .safetensors files";
    throw new NishikiError("usage", `${repository} has no file ${quote(name)}. ${choices}.`);
  }
  if (/\.(ckpt|bin|pt|pth)$/i.test(name)) {
    const message = `${name} is a pickle, which runs code when loaded; choose a .safetensors file.`;
    throw new NishikiError("checkpoint", message);
  }
  return namedFile;
}

/** @throws NishikiError "usage" for a part that the repository does not have */
function withoutParts(
  files: readonly HubFile[],
  repository: string,
  parts: readonly string[],
): readonly HubFile[] {
  const folders = [
    ...new Set(files.flatMap(({ path }) => (path.includes("/") ? [path.split("/")[0]!] : []))),
  ];
  const unknown = parts.find((part) => !folders.includes(part));
  if (unknown === undefined) return files.filter(({ path }) => !parts.includes(path.split("/")[0]!));
  const choices = listSome(
    folders.map((folder) => showText(folder)),
    12,
  );
  throw new NishikiError(
    "usage",
    `--without: ${repository} has no part ${quote(unknown)}; it has ${choices}.`,
  );
}

function wholeFolder(files: readonly HubFile[], repository: string, variant: "fp16" | "full"): HubFile[] {
  const inside = (folder: string) => files.filter(({ path }) => path.startsWith(`${folder}/`));
  const hasImages = inside("image_normalizer").length > 0;
  const isUnclip = ["prior", "movq", "prior_prior"].some((folder) => inside(folder).length > 0);
  const more = [...(hasImages ? imageNetworks : []), ...(isUnclip ? unclipNetworks : [])];
  const parts = [...new Set([...networks, ...more])];
  const small = files.filter(({ path }) => {
    const [folder, name, ...more] = path.split("/");
    if (more.length > 0) return false;
    if (otherConfigs.includes(path) || (isUnclip && unclipConfig.test(path))) return true;
    if (folder === "feature_extractor") return hasImages && name === "preprocessor_config.json";
    if (/^(prior_)?tokenizer(_2)?$/.test(folder!)) return tokenizerFiles.includes(name!);
    return parts.includes(folder!) && name === "config.json";
  });
  const lacking: string[] = [];
  const weights = parts.flatMap((folder) => {
    const there = inside(folder);
    const chosen = chooseWeights(there, variant);
    if (there.length > 0 && chosen.length === 0) lacking.push(folder);
    return chosen;
  });
  if (lacking.length > 0) {
    const message = `${repository} cannot be used: ${lacking.join(", ")} come without .safetensors weights.`;
    throw new NishikiError("checkpoint", message);
  }
  return [...small, ...weights];
}

/** Chooses one variant of a network's weights: a file, or shards with their index. */
function chooseWeights(files: readonly HubFile[], variant: "fp16" | "full"): HubFile[] {
  const named = (pattern: RegExp) =>
    files.filter(({ path }) => pattern.test(path.slice(path.indexOf("/") + 1)));
  const forms = {
    fp16: named(/^(diffusion_pytorch_model|model)\.fp16\.safetensors$/),
    full: named(/^(diffusion_pytorch_model|model)\.safetensors$/),
    halfShards: named(
      /^(diffusion_pytorch_model|model)(\.fp16-\d+-of-\d+\.safetensors|\.safetensors\.index\.fp16\.json)$/,
    ),
    shards: named(/^(diffusion_pytorch_model|model)(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/),
  };
  const half = ["fp16", "halfShards"] as const;
  const full = ["full", "shards"] as const;
  const order = variant === "fp16" ? [...half, ...full] : [...full, ...half];
  const form = order.find((name) => forms[name].length > 0);
  return form ? [...forms[form]] : [];
}
