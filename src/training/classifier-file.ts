// Opens a trained classifier: the folder that `classifier-export.ts` writes.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import type { LabelClasses } from "../data/index.js";
import { NishikiError } from "../errors.js";
import { type ClassifierConfig, classifierSchema } from "../models/index.js";
import { embeddedModel, hashFile } from "../pipeline/node.js";
import { parse, z } from "../schema/index.js";

/** The classifier that ships with the package. */
export const packagedClassifier = join(embeddedModel, "judge");

const names = z.array(z.string()).min(1).readonly();

/** `judge.json`, format 1. */
const descriptionSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(["judge", "classifier"]),
  /** In the same folder. */
  file: z.string().regex(/^[^/\\]+\.safetensors$/),
  sha256: z.string(),
  config: classifierSchema,
  classes: z.strictObject({
    thing: names,
    colour: names,
    style: names,
    background: names,
    backgroundColour: names,
    count: names,
    layout: names,
  }),
});

async function readDescription(folder: string): Promise<z.infer<typeof descriptionSchema>> {
  const path = join(folder, "judge.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read the classifier ${path}`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NishikiError("checkpoint", `${path} is not valid JSON. Copy the classifier's folder again.`, {
      cause,
    });
  }
  return parse(descriptionSchema, value, {
    name: "the description",
    code: "checkpoint",
    prefix: `${path}: `,
  });
}

export interface ClassifierFile {
  readonly config: ClassifierConfig;
  readonly classes: LabelClasses;
  readonly sha256: string;
  /** The file of weights. */
  readonly path: string;
}

/** Opens a classifier's folder. @throws NishikiError "file", "checkpoint" if the weights are not the described ones */
export async function openClassifierFile(folder: string): Promise<ClassifierFile> {
  const { file, sha256, config, classes } = await readDescription(folder);
  const path = join(folder, file);
  if ((await hashFile(path)) !== sha256) {
    throw new NishikiError(
      "checkpoint",
      `${path} does not match the SHA-256 in judge.json. Copy the classifier's folder again.`,
    );
  }
  return { config, classes, sha256, path };
}
