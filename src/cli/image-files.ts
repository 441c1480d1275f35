// Chooses the paths of image files. Never replaces an existing file without --force.
import { access, constants, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

/** Takes finished images. */
export interface ImageFiles {
  /** Writes image `index` and returns its path. */
  write(index: number, seed: number, png: Uint8Array): Promise<string>;
  /** Writes what a stage of a cascade gave for image `index`, and returns its path. */
  writeStage(index: number, seed: number, stages: number, png: Uint8Array): Promise<string>;
  /** Writes several images as one, named after the first one's seed, and returns its path. */
  writeGrid(seed: number, png: Uint8Array): Promise<string>;
}

export interface ImageFilesOptions {
  /** A file that ends in .png, or a folder. Default: the current folder. */
  readonly output?: string;
  readonly prompt: string;
  readonly count: number;
  readonly force?: boolean;
}

const LONGEST_NAME = 60;

/** The words of a prompt as a file name: "Blue cat, sunset!" → "blue-cat-sunset". */
export function nameOf(prompt: string): string {
  const words =
    prompt
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let name = "";
  for (const word of words) {
    const longer = name === "" ? [...word].slice(0, LONGEST_NAME).join("") : `${name}-${word}`;
    if ([...longer].length > LONGEST_NAME) break;
    name = longer;
  }
  return name || "picture";
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Makes the folder and checks that files can be made in it, before time is spent on drawing. */
async function prepareFolder(folder: string): Promise<void> {
  await makeFolder(folder);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw fileError(error, `write into ${folder}`);
  });
}

function alreadyThere(path: string): NishikiError {
  return new NishikiError(
    "file",
    `${path} is already there. Choose another name, or add --force to replace it.`,
  );
}

/** One file for one image; numbered from 1 where there are more. */
async function namedFiles(file: string, count: number, force: boolean): Promise<ImageFiles> {
  const stem = file.slice(0, -extname(file).length);
  const pathOf = (index: number) => (count === 1 ? file : `${stem}-${index + 1}.png`);
  await prepareFolder(join(file, ".."));
  for (let index = 0; index < count && !force; index++) {
    if (await exists(pathOf(index))) throw alreadyThere(pathOf(index));
  }
  return {
    write: async (index, _seed, png) => {
      await writeFileAtomic(pathOf(index), png, { overwrite: force });
      return pathOf(index);
    },
    writeStage: (index, _seed, stages, png) =>
      writeFree(`${pathOf(index).slice(0, -extname(file).length)}-stage-${stages}`, png, force),
    writeGrid: (_seed, png) => writeFree(`${stem}-grid`, png, force),
  };
}

/** Writes to the first free name of NAME.png, NAME-2.png, …. @returns The path. */
async function writeFree(stem: string, png: Uint8Array, force: boolean): Promise<string> {
  for (let number = 1; ; number++) {
    const path = number === 1 ? `${stem}.png` : `${stem}-${number}.png`;
    if (!force && (await exists(path))) continue;
    try {
      await writeFileAtomic(path, png, { overwrite: force });
      return path;
    } catch (error) {
      // Another process took the name in between.
      if (force || !(await exists(path))) throw error;
    }
  }
}

/** Names made from prompt and seed, with the next free number where they are taken. */
async function filesInFolder(folder: string, prompt: string, force: boolean): Promise<ImageFiles> {
  await prepareFolder(folder);
  const stem = (seed: number) => join(folder, `${nameOf(prompt)}-${seed}`);
  return {
    write: (_index, seed, png) => writeFree(stem(seed), png, force),
    writeStage: (_index, seed, stages, png) => writeFree(`${stem(seed)}-stage-${stages}`, png, force),
    writeGrid: (seed, png) => writeFree(`${stem(seed)}-grid`, png, force),
  };
}

/**
 * Decides where images go and checks that they can.
 * @throws NishikiError "usage" for a name of another kind of file; "file" where it cannot be written or is taken.
 */
export async function prepareImageFiles(options: ImageFilesOptions): Promise<ImageFiles> {
  const { output = ".", prompt, count, force = false } = options;
  if (output.trim() === "") {
    throw new NishikiError(
      "usage",
      "output: expected a file that ends in .png or a folder, got an empty text.",
    );
  }
  const extension = extname(output).toLowerCase();
  const isFolder = /[/\\]$/.test(output) || (await stat(output).catch(() => undefined))?.isDirectory();
  if (!isFolder && /^\.(jpe?g|webp|gif|bmp|tiff?|avif|jxl|heic)$/.test(extension)) {
    const message = `output: pictures are written as PNG; expected a file that ends in .png or a folder, got "${output}".`;
    throw new NishikiError("usage", message);
  }
  if (!isFolder && extension === ".png") return namedFiles(output, count, force);
  return filesInFolder(output, prompt, force);
}
