// Walks through models folders: which files and folders may be models, by their names alone.
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** Depth and number of entries beyond which a folder is somebody's whole disk, and no models folder. */
const deepest = 6;
const mostEntries = 20_000;

/** Files that hold models, or what people take for models: a broken one is better explained than left out. */
const weightFile = /\.(safetensors|ckpt|gguf)$/i;
/** Folders that are one model or one addition, by a file in them. */
const wholeFolder =
  /^(model\.json|model_index\.json|adapter_config\.json|pytorch_lora_weights\.safetensors)$/;
const notModels = /^(\.|_|node_modules$|__pycache__$|image_encoder$)/;

/** Paths that may be models or additions, in the order of their names. Folders that cannot be read are left out. */
export async function walk(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const seen = new Set<string>();
  let entries = 0;
  const visit = async (path: string, depth: number): Promise<void> => {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined || seen.has(real) || entries > mostEntries) return;
    seen.add(real);
    const info = await stat(real).catch(() => undefined);
    if (info?.isFile() && weightFile.test(path)) return void paths.push(path);
    if (!info?.isDirectory() || depth > deepest) return;
    const names = (await readdir(real).catch(() => [] as string[])).filter((name) => !notModels.test(name));
    entries += names.length;
    if (names.some((name) => wholeFolder.test(name)) || isAutoencoder(names)) return void paths.push(path);
    if (isClip(names)) return;
    for (const name of names.sort()) await visit(join(path, name), depth + 1);
  };
  await visit(folder, 0);
  return paths;
}

/** A CLIP sees and does not draw. */
const isClip = (names: readonly string[]) =>
  names.includes("config.json") && names.includes("preprocessor_config.json");

/** A part of a diffusers model by itself: a config, and weights under the usual name. */
const isAutoencoder = (names: readonly string[]) =>
  names.includes("config.json") &&
  names.some((name) => /^diffusion_pytorch_model\b.*\.safetensors$/.test(name));
