// Finds the files of Kandinsky 2.2 (node): published as two folders, one for the prior and one for the decoder, or saved as
// one folder with both (diffusers' KandinskyV22CombinedPipeline).
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  openPublishedFolder,
  type PublishedFolder,
  type PublishedPart,
  readJson,
  textEncoderName,
} from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import { findSnapshot, resolveModel } from "../../../hub/index.js";

const combined = [
  "KandinskyV22CombinedPipeline",
  "KandinskyV22Img2ImgCombinedPipeline",
  "KandinskyV22InpaintCombinedPipeline",
];
const decoders = ["KandinskyV22Pipeline", "KandinskyV22Img2ImgPipeline", "KandinskyV22InpaintPipeline"];
const priors = ["KandinskyV22PriorPipeline", "KandinskyV22PriorEmb2EmbPipeline"];

/** The pipelines whose folders this family opens. */
export const kandinskyPipelines: readonly string[] = [...combined, ...decoders, ...priors];

/** The files of a model. */
export interface KandinskyFiles {
  readonly name: string;
  readonly prior: PublishedFolder;
  readonly decoder: PublishedFolder;
  /** The parts of the prior have names with this before them. */
  readonly prefix: "" | "prior_";
  /** The image processor's config; empty where there is none. */
  readonly processor: Readonly<Record<string, unknown>>;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

const decoderParts: readonly PublishedPart[] = [
  { name: "unet", kind: "network", classes: ["UNet2DConditionModel"] },
  { name: "movq", kind: "network", classes: ["VQModel"] },
  { name: "scheduler", kind: "scheduler" },
];

const getPriorParts = (prefix: string): readonly PublishedPart[] => [
  { name: `${prefix}prior`, kind: "network", classes: ["PriorTransformer"] },
  {
    name: `${prefix}text_encoder`,
    kind: "network",
    classes: ["CLIPTextModelWithProjection"],
    rename: textEncoderName,
  },
  {
    name: `${prefix}image_encoder`,
    kind: "network",
    classes: ["CLIPVisionModelWithProjection"],
    optional: true,
  },
  { name: `${prefix}tokenizer`, kind: "tokenizer" },
  { name: `${prefix}scheduler`, kind: "scheduler" },
];

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** "…/models--org--name/snapshots/commit" of the hub's cache → the cache, and "org/name". */
function readSnapshotPath(path: string): { readonly cache: string; readonly repository: string } | undefined {
  const [snapshots, folder] = [dirname(path), dirname(dirname(path))];
  const [, organisation, name] = /^models--(.+?)--(.+)$/.exec(basename(folder)) ?? [];
  if (basename(snapshots) !== "snapshots" || !organisation || !name) return undefined;
  return { cache: dirname(folder), repository: `${organisation}/${name}` };
}

/** "kandinsky-2-2-decoder-inpaint" and "kandinsky-2-2-prior" belong together; the other way round, so does the plain decoder. */
function renameHalf(name: string, from: string, to: string): string | undefined {
  const at = name.lastIndexOf(from);
  return at < 0 ? undefined : `${name.slice(0, at)}${to}`;
}

/** Finds the other folder of a model by its name: beside it, or in the hub's cache. */
async function findOther(path: string, from: string, to: string): Promise<string | undefined> {
  const whole = resolve(path);
  const snapshot = readSnapshotPath(whole);
  if (snapshot) {
    const other = renameHalf(snapshot.repository, from, to);
    return other && findSnapshot(other, snapshot.cache);
  }
  const candidates = [renameHalf(basename(whole), from, to), to].filter((name) => name !== undefined);
  for (const name of candidates) {
    const folder = join(dirname(whole), name);
    if (folder !== whole && (await exists(join(folder, "model_index.json")))) return folder;
  }
  return undefined;
}

function refuseHalf(path: string, has: string, lacks: string): never {
  const snapshot = readSnapshotPath(resolve(path));
  const other = snapshot && renameHalf(snapshot.repository, has, lacks);
  const where = `beside it, under the same name with "${lacks}" for "${has}"`;
  const option = lacks === "prior" ? ", or name it with --prior" : "";
  const cure = other
    ? `Download it with: nishiki pull ${other}`
    : `Put the ${lacks}'s folder ${where}${option}`;
  throw new NishikiError(
    "checkpoint",
    `${path} is the ${has} of Kandinsky 2.2; expected its ${lacks} too. ${cure}.`,
  );
}

/** The two folders of a model. */
async function findFolders(path: string, option: string | undefined) {
  const index = await readJson(join(path, "model_index.json"));
  const className = String(index._class_name);
  if (combined.includes(className)) return { prior: path, decoder: path, prefix: "prior_" } as const;
  if (priors.includes(className)) {
    const decoder = (await findOther(path, "prior", "decoder")) ?? refuseHalf(path, "prior", "decoder");
    return { prior: path, decoder, prefix: "" } as const;
  }
  const given = option === undefined ? undefined : await resolveModel(option);
  const prior = given ?? (await findOther(path, "decoder", "prior")) ?? refuseHalf(path, "decoder", "prior");
  return { prior, decoder: path, prefix: "" } as const;
}

/**
 * Opens the folders of a model; reads only configs and headers.
 * @param path Either of its two folders, or one with both.
 * @param prior The prior's folder, or its name in the hub's cache. Default: found by its name.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openKandinskyFiles(path: string, prior?: string): Promise<KandinskyFiles> {
  const folders = await findFolders(path, prior);
  const { prefix } = folders;
  const isCombined = prefix !== "";
  const decoder = await openPublishedFolder(folders.decoder, isCombined ? combined : decoders, decoderParts);
  const opened = await openPublishedFolder(
    folders.prior,
    isCombined ? combined : priors,
    getPriorParts(prefix),
  );
  const processorFile = join(folders.prior, `${prefix}image_processor`, "preprocessor_config.json");
  const hasProcessor = await exists(processorFile);
  const named = (from: PublishedFolder, folder: string) =>
    [...from.files].map(([name, file]) => [isCombined ? name : `${folder}/${name}`, file] as const);
  return {
    name: decoder.name,
    prior: opened,
    decoder,
    prefix,
    processor: hasProcessor ? await readJson(processorFile) : {},
    files: new Map([
      ...named(decoder, "decoder"),
      ...named(opened, "prior"),
      ...(hasProcessor
        ? [
            [
              `${isCombined ? "" : "prior/"}${prefix}image_processor/preprocessor_config.json`,
              processorFile,
            ] as const,
          ]
        : []),
    ]),
  };
}
