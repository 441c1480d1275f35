// Opens Stable Diffusion in diffusers' layout (node): a folder with model_index.json and a subfolder with
// config and weights per component. Loads nothing; weights stay in their files.
import { stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { NishikiError, showText } from "../errors.js";
import { openAutoencoder } from "./node-autoencoder.js";
import { openOnBase } from "./node-base.js";
import {
  autoencoderName,
  checkReadable,
  isSingleFile,
  type Json,
  type ModelComponent,
  openComponent,
  readJson,
  refuseOtherFormats,
  textEncoderName,
} from "./node-component.js";
import { openSafetensors } from "./node-file.js";
import { openEmbeddedImages, openImageEmbedding } from "./node-image-embedding.js";
import type { PartialFiles, StableDiffusionFiles } from "./node-stable-diffusion-files.js";
import { openWeights } from "./node-weights.js";
import { readSingleFile } from "./single-file/read.js";

// Pipelines with the parts of Stable Diffusion; the caller decides what to use them for.
const pipelines = [
  "StableDiffusionPipeline",
  "StableDiffusionImg2ImgPipeline",
  "StableDiffusionInpaintPipeline",
  "StableDiffusionXLPipeline",
  "StableDiffusionXLImg2ImgPipeline",
  "StableDiffusionXLInpaintPipeline",
  "LatentConsistencyModelPipeline",
  "LatentConsistencyModelImg2ImgPipeline",
  "StableUnCLIPImg2ImgPipeline",
  "StableUnCLIPPipeline",
];

/** Whether a folder has diffusers' layout. */
export async function isDiffusersFolder(path: string): Promise<boolean> {
  return stat(join(path, "model_index.json")).then(
    (entryStats) => entryStats.isFile(),
    () => false,
  );
}

function getFamily(unet: ModelComponent, hasSecond: boolean): StableDiffusionFiles["family"] {
  if (hasSecond) return "sdxl";
  return unet.config.cross_attention_dim === 1024 ? "sd2" : "sd1";
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The supported classes of a pipeline's parts; schedulers and configs are checked by their readers. */
const classes: Readonly<Record<string, readonly string[]>> = {
  unet: ["UNet2DConditionModel"],
  vae: ["AutoencoderKL", "AutoencoderTiny"],
  text_encoder: ["CLIPTextModel", "CLIPTextModelWithProjection"],
  text_encoder_2: ["CLIPTextModelWithProjection"],
};

/** Formats a class name for a message. */
const showClassName = (name: unknown) => (typeof name === "string" ? showText(name) : "part without a name");

/** Lists problems with a folder's parts before their files are opened. */
async function findProblems(path: string, names: readonly string[], index: Json): Promise<string[]> {
  const there = await Promise.all(names.map((name) => isThere(join(path, name))));
  const missing = names.filter((_, i) => !there[i]);
  const others = names.flatMap((name) => {
    const actualClass = (index[name] as readonly unknown[])[1];
    const known = classes[name];
    if (!known || (typeof actualClass === "string" && known.includes(actualClass))) return [];
    return [`its ${name} is a ${showClassName(actualClass)}, expected ${known.join(" or ")}`];
  });
  if (missing.length === 0) return others;
  const are = missing.length === 1 ? "is" : "are";
  return [
    `its model_index.json names ${missing.join(", ")}, which ${are} missing. Download it again`,
    ...others,
  ];
}

/** Opens all parts and reports all their problems at once. */
async function openParts(
  path: string,
  index: Json,
  names: readonly string[],
): Promise<Readonly<Record<string, ModelComponent>>> {
  const problems = await findProblems(path, names, index);
  const components: Record<string, ModelComponent> = {};
  for (const name of names.filter((one) => one in classes)) {
    if (!(await isThere(join(path, name)))) continue;
    const rename = name === "vae" ? autoencoderName : name === "unet" ? undefined : textEncoderName;
    try {
      components[name] = await openComponent(join(path, name), rename);
    } catch (error) {
      if (!(error instanceof NishikiError)) throw error;
      problems.push(error.message.replace(/\.$/, ""));
    }
  }
  if (problems.length === 0) return components;
  const message = `${path} is not a whole model: ${problems.join("; ")}.`;
  throw new NishikiError("checkpoint", message);
}

/** Replacements for a model's parts, or for parts that it lacks. */
export interface StandIns {
  /** Another autoencoder: a folder or a file. */
  readonly vae?: string | undefined;
  /**
   * A whole model that supplies what a single file lacks: text encoders, autoencoder, tokenizers and
   * scheduler.
   */
  readonly base?: string | undefined;
}

/**
 * Opens a published model, a folder or a single file; reads only headers.
 * @throws NishikiError "file" if something cannot be read, "checkpoint" if it is malformed, incomplete or
 *   another kind of model.
 */
export async function openStableDiffusion(
  path: string,
  { vae, base }: StandIns = {},
): Promise<StableDiffusionFiles> {
  const files = await openWhole(path, { vae, base });
  const parts = [
    ["the denoiser", files.unet],
    ["the autoencoder", files.vae],
    ["the text encoder", files.textEncoder],
    ["the second text encoder", files.textEncoder2],
    ["the image encoder", files.imageEmbedding?.encoder],
  ] as const;
  for (const [what, part] of parts) if (part) checkReadable(part.weights, what, path);
  return files;
}

async function openWhole(path: string, { vae, base }: StandIns): Promise<StableDiffusionFiles> {
  if (base !== undefined) {
    const whole = await openStableDiffusion(base);
    return withVae(await openOnBase(path, whole, (file) => openSingleFile(file, true)), vae);
  }
  const opened = await (isSingleFile(path)
    ? openSingleFile(path, vae !== undefined)
    : openFolder(path, vae !== undefined));
  return withVae(opened, vae);
}

/** Replaces a model's autoencoder. */
async function withVae(files: PartialFiles, path: string | undefined): Promise<StableDiffusionFiles> {
  if (path === undefined) return files as StableDiffusionFiles; // the autoencoder was required when the files were opened
  const vae = await openAutoencoder(path, files.family);
  const others = [...files.files].filter(([name]) => !name.startsWith("vae/"));
  const named = vae.files.map((file) => [`vae/${basename(file)}`, file] as const);
  const unknown = [...files.unknown, ...vae.unknown.map((name) => `${name} (of ${basename(path)})`)];
  return { ...files, vae, files: new Map([...others, ...named]), unknown };
}

async function openSingleFile(path: string, withoutVae: boolean): Promise<PartialFiles> {
  refuseOtherFormats(path);
  const file = await openSafetensors(path);
  const steps = file.tensors.has("global_step") ? (await file.readFloat32("global_step"))[0] : undefined;
  const places = new Map([...(await openWeights(path))]);
  const { textEncoders, imageEmbedding, pads, ...opened } = readSingleFile(places, path, {
    steps,
    metadata: file.metadata,
    withoutVae,
  });
  const { family, unet, vae, scheduler, unknown, hints } = opened;
  return {
    name: basename(path, extname(path)),
    family,
    unet,
    ...(vae && { vae }),
    ...(imageEmbedding && { imageEmbedding: await openEmbeddedImages(path, imageEmbedding) }),
    textEncoder: textEncoders[0]!,
    ...(textEncoders[1] && { textEncoder2: textEncoders[1] }),
    scheduler,
    tokenizers: pads.map((padToken) => ({ padToken })),
    zerosForEmptyPrompt: true,
    files: new Map([[basename(path), path]]),
    unknown,
    hints,
  };
}

async function openFolder(path: string, withoutVae: boolean): Promise<PartialFiles> {
  const index = await readJson(join(path, "model_index.json"));
  const kind = showClassName(index._class_name);
  if (!pipelines.includes(kind)) {
    const message = `${path} holds a ${kind}, which is not supported; supported: ${pipelines.join(", ")}.`;
    throw new NishikiError("checkpoint", message);
  }
  const isNamed = (name: string) => Array.isArray(index[name]) && (index[name] as unknown[])[0] !== null;
  const hasSecond = isNamed("text_encoder_2");
  if (hasSecond && !isNamed("text_encoder")) {
    const message = `${path} is a refiner (it has only XL's second text encoder), which is not supported yet; use the base model.`;
    throw new NishikiError("checkpoint", message);
  }
  const parts = ["unet", ...(withoutVae ? [] : ["vae"]), "text_encoder", "tokenizer", "scheduler"];
  const names = hasSecond ? [...parts, "text_encoder_2", "tokenizer_2"] : parts;
  const unnamed = names.filter((name) => !isNamed(name));
  if (unnamed.length > 0) {
    const message = `${path} is not a whole model: its model_index.json names no ${unnamed.join(", no ")}.`;
    throw new NishikiError("checkpoint", message);
  }
  const components = await openParts(path, index, names);
  const { unet, vae, text_encoder: textEncoder, text_encoder_2: textEncoder2 } = components;
  const { scheduler, hints } = await readSchedulerConfig(path, index);
  const imageEmbedding = kind.startsWith("StableUnCLIP")
    ? await openImageEmbedding(path, kind === "StableUnCLIPImg2ImgPipeline")
    : undefined;
  return {
    name: basename(resolve(path)),
    family: getFamily(unet!, hasSecond),
    unet: unet!,
    ...(vae && { vae }),
    textEncoder: textEncoder!,
    ...(textEncoder2 && { textEncoder2 }),
    ...(imageEmbedding && { imageEmbedding }),
    scheduler,
    tokenizers: ["tokenizer", ...(hasSecond ? ["tokenizer_2"] : [])].map((name) => ({
      folder: join(path, name),
    })),
    zerosForEmptyPrompt: index.force_zeros_for_empty_prompt !== false,
    files: new Map([...(await listFiles(path, components, names)), ...(imageEmbedding?.files ?? [])]),
    unknown: [],
    hints,
  };
}

/**
 * The scheduler's config, for the class that model_index.json names: where the two differ, diffusers goes by the index.
 * @returns Also a sentence where they do.
 */
async function readSchedulerConfig(path: string, index: Json): Promise<{ scheduler: Json; hints: string[] }> {
  const scheduler = await readJson(join(path, "scheduler", "scheduler_config.json"));
  const [className, other] = [(index.scheduler as readonly unknown[])[1], scheduler._class_name];
  if (typeof className !== "string") return { scheduler, hints: [] };
  const hint = `The scheduler is ${showClassName(className)}, as model_index.json says; scheduler_config.json names ${showClassName(other)}.`;
  const differs = typeof other === "string" && other !== className;
  return { scheduler: { ...scheduler, _class_name: className }, hints: differs ? [hint] : [] };
}

/** Lists weights, configs and vocabularies: everything that affects pixels. */
async function listFiles(
  path: string,
  components: Readonly<Record<string, ModelComponent>>,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of names) {
    const component = components[name];
    const own = component
      ? ["config.json"]
      : name === "scheduler"
        ? ["scheduler_config.json"]
        : await listVocabularyFiles(join(path, name));
    for (const file of own) files.set(`${name}/${file}`, join(path, name, file));
    for (const { file } of component?.weights.values() ?? []) files.set(`${name}/${basename(file)}`, file);
  }
  return files;
}

/** Newer folders store their vocabulary only in tokenizer.json. */
async function listVocabularyFiles(folder: string): Promise<readonly string[]> {
  const pair = ["vocab.json", "merges.txt"];
  const there = await Promise.all(pair.map((file) => isThere(join(folder, file))));
  return there.every(Boolean) ? pair : ["tokenizer.json"];
}
