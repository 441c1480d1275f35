// What a published DeepFloyd IF model is (node). Only headers are read.
import type { ModelComponent } from "../../../checkpoint/node.js";
import { countNumbers, countTypes, type Description, formatBytes, formatCount } from "../../description.js";
import type { ModelDescription } from "../node-family.js";
import { type IfFiles, openIf } from "./node-files.js";
import { readIf } from "./node-model.js";
import { promptTokens } from "./programs.js";

function describeComponent(title: string, component: ModelComponent): Description {
  const places = [...component.weights.values()];
  const bytes = places.reduce((sum, { length }) => sum + length, 0);
  const numbers = countNumbers([...component.weights]);
  return {
    title,
    values: {
      tensors: `${component.weights.size} (${countTypes([...component.weights])}), ${formatCount(numbers)} numbers`,
      size: `${formatBytes(bytes)}, ${formatBytes(4 * numbers)} in memory`,
    },
  };
}

/** The published weights' licence; each repository also has its text. */
const licence = "DeepFloyd IF licence: research only, not for commercial use";

/** @throws NishikiError "file", "checkpoint" */
export async function describeIf(path: string, className: string): Promise<ModelDescription> {
  const files = await openIf(path, className);
  const model = readIf(files);
  const { number, side } = model.stages[0]!;
  const memory = [files.textEncoder, files.stages[0]!.networks.unet!].map(
    ({ weights }) => 4 * countNumbers([...weights]),
  );
  return {
    what: `DeepFloyd IF, stage ${number}`,
    size: side,
    memory: memory.reduce((sum, bytes) => sum + bytes, 0),
    largest: Math.max(...memory),
    maxTokens: promptTokens,
    licence,
    description: describeFiles(path, files, number),
  };
}

function describeFiles(path: string, files: IfFiles, number: 1 | 2): Description {
  const { schedulers, networks } = files.stages[0]!;
  return {
    title: `${path}: ${files.name}`,
    values: {
      family: "DeepFloyd IF",
      draws:
        number === 1
          ? "small images from text and from images; with --super-resolution and the folder of stage 2, large ones"
          : "an image four times as large from a small one (--image)",
      scheduler: String(schedulers.scheduler!._class_name),
      licence,
    },
    parts: [
      describeComponent(`Denoiser of stage ${number}`, networks.unet!),
      describeComponent("Text encoder", files.textEncoder),
    ],
  };
}
