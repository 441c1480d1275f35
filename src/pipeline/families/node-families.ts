// The table of families: how the files of a model find what can draw with them (node). A further family is a folder beside
// this file and a row here.
import { NishikiError } from "../../errors.js";
import { checkAborted } from "../cancel.js";
import { type CompleteLoadOptions, type FamilyLoadOption, familyLoadOptions } from "../load-options.js";
import { type ModelFiles, readModelFiles } from "../node-model-files.js";
import type { Runtime } from "../runtime.js";
import { nishikiFamily } from "./nishiki/node.js";
import { refuseFolder } from "./nishiki/node-model.js";
import type { Family, ModelDescription, OpenedModel } from "./node-family.js";
import { stableDiffusionFamily } from "./stable-diffusion/node.js";

/** The first that detects its files opens them: those that are also asked to refuse others' stand last. */
export const families: readonly Family[] = [nishikiFamily, stableDiffusionFamily];

/** The family that opens these files. @throws NishikiError "file" */
export async function findFamily(files: ModelFiles, table: readonly Family[] = families): Promise<Family> {
  return table.find((family) => family.detect(files)) ?? refuseFolder(files.path);
}

/** @throws NishikiError "usage" for an option that is of no use to this family. */
function checkLoadOptions(family: Family, options: CompleteLoadOptions, table: readonly Family[]): void {
  for (const name of familyLoadOptions) {
    if (options[name] === undefined || family.loadOptions.includes(name)) continue;
    throw new NishikiError(
      "usage",
      `${name}: only ${takers(name, table)} takes that setting, and this is another model.`,
    );
  }
}

function takers(name: FamilyLoadOption, table: readonly Family[]): string {
  return table
    .filter(({ loadOptions }) => loadOptions.includes(name))
    .map(({ title }) => title)
    .join(" or ");
}

/** Looks at the model at a path. @throws NishikiError "usage", "file", "checkpoint" */
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

/** What the files at a path say of the model. @throws NishikiError "file", "checkpoint" */
export async function describeModel(path: string): Promise<ModelDescription> {
  const files = await readModelFiles(path);
  return (await findFamily(files)).describe(files);
}
