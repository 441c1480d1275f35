// The table of families, which maps a model's files to the family that draws with them (node). To add a family, add a folder
// beside this file and a row here.
import { NishikiError } from "../../errors.js";
import { checkAborted } from "../cancel.js";
import { type CompleteLoadOptions, type FamilyLoadOption, familyLoadOptions } from "../load-options.js";
import { type ModelFiles, readModelFiles } from "../node-model-files.js";
import type { Runtime } from "../runtime.js";
import { deepFloydIfFamily } from "./deepfloyd-if/node.js";
import { nishikiFamily } from "./nishiki/node.js";
import { refuseFolder } from "./nishiki/node-model.js";
import type { Family, ModelDescription, OpenedModel } from "./node-family.js";
import { stableDiffusionFamily } from "./stable-diffusion/node.js";
import { unclipFamily } from "./unclip/node.js";
import { upscalerFamily } from "./upscaler/node.js";

/** The first family that detects its files opens them; families that also detect foreign files to reject them come last. */
export const families: readonly Family[] = [
  nishikiFamily,
  unclipFamily,
  deepFloydIfFamily,
  upscalerFamily,
  stableDiffusionFamily,
];

/** Finds the family that opens these files. @throws NishikiError "file" */
export async function findFamily(files: ModelFiles, table: readonly Family[] = families): Promise<Family> {
  return table.find((family) => family.detect(files)) ?? refuseFolder(files.path);
}

/** @throws NishikiError "usage" for an option that this family does not support */
function checkLoadOptions(family: Family, options: CompleteLoadOptions, table: readonly Family[]): void {
  for (const name of familyLoadOptions) {
    if (options[name] === undefined || family.loadOptions.includes(name)) continue;
    throw new NishikiError(
      "usage",
      `${name}: only ${listSupporting(name, table)} models support this option; this is ${/^[aeiou]/i.test(family.title) ? "an" : "a"} ${family.title} model.`,
    );
  }
}

function listSupporting(name: FamilyLoadOption, table: readonly Family[]): string {
  return table
    .filter(({ loadOptions }) => loadOptions.includes(name))
    .map(({ title }) => title)
    .join(" or ");
}

/** Opens the model at a path. @throws NishikiError "usage", "file", "checkpoint" */
export async function openWithFamily(
  path: string,
  options: CompleteLoadOptions,
  runtime: Runtime = {},
  table: readonly Family[] = families,
): Promise<OpenedModel> {
  const files = await readModelFiles(path);
  const family = await findFamily(files, table);
  checkLoadOptions(family, options, table);
  checkAborted(runtime.signal);
  return family.open(files, options, runtime);
}

/** Describes the model at a path. @throws NishikiError "file", "checkpoint" */
export async function describeModel(path: string): Promise<ModelDescription> {
  const files = await readModelFiles(path);
  return (await findFamily(files)).describe(files);
}

/** The family of the model at a path. @throws NishikiError "file" */
export async function getModelFamily(path: string): Promise<Pick<Family, "id" | "title" | "loadOptions">> {
  return findFamily(await readModelFiles(path));
}
