// nishiki models: what can be drawn with on this machine.
import { readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import { listCachedModels } from "../../hub/index.js";
import { describeModel, embeddedModel } from "../../pipeline/node.js";
import { type Description, formatBytes, formatDescription } from "../description.js";
import { print } from "../terminal.js";

interface Row {
  readonly model: string;
  readonly path: string;
  /** What it is, or why it cannot be drawn with. */
  readonly what: string;
  readonly isModel: boolean;
  /** Pixels. */
  readonly size?: number;
  /** Bytes that its weights take. */
  readonly memory?: number;
}

const examples = `
Examples:
  nishiki models
  nishiki models runs path/to/checkpoints
`;

export function addModelsCommand(program: Command): void {
  program
    .command("models")
    .description("list the models on this machine")
    .argument("[paths...]", "further models, or folders of models")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action(async (paths: readonly string[], { json }: { json?: boolean }) => {
      const { rows, failures } = await list(paths);
      await print(json ? `${JSON.stringify(rows)}\n` : formatDescription(describe(rows)));
      if (failures.length === 0) return;
      const others = failures.length > 1 ? ` (${failures.length} of the given paths)` : "";
      const reason = failures[0]!.replace(/^cannot be drawn with: /, "");
      throw new NishikiError("file", `${reason}${others}`);
    });
}

interface Listed {
  readonly rows: readonly Row[];
  /** What the user named and cannot be drawn with. */
  readonly failures: readonly string[];
}

async function list(paths: readonly string[]): Promise<Listed> {
  const own = await lookAt("(embedded)", embeddedModel);
  const cached = (await listCachedModels()).map(({ repository, path }) => lookAt(repository, path));
  const named = await Promise.all(paths.map(lookInto));
  const failures = named.flatMap((rows) => (rows.some(({ isModel }) => isModel) ? [] : [rows[0]!.what]));
  return { rows: [own, ...(await Promise.all(cached)), ...named.flat()], failures };
}

/** A model, or the models in a folder that is none: training leaves them in subfolders called model. */
async function lookInto(path: string): Promise<Row[]> {
  const found = await lookAt(basename(path) || path, path);
  if (found.isModel) return [found];
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const candidates: string[] = [];
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, name);
    if (/\.safetensors$/i.test(name)) candidates.push(inside);
    else
      for (const folder of [inside, join(inside, "model")])
        if (await holdsModel(folder)) candidates.push(folder);
  }
  const rows = await Promise.all(candidates.map((inside) => lookAt(relative(path, inside), inside)));
  return rows.length > 0 ? rows : [found];
}

async function holdsModel(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names.includes("model.json") || names.includes("model_index.json");
}

/** Whatever is wrong with one model, the others are listed. */
async function lookAt(model: string, path: string): Promise<Row> {
  try {
    const { what, size, memory } = await describeModel(path);
    return { model, path, what, isModel: true, ...(size && { size }), ...(memory && { memory }) };
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    return { model, path, what: `cannot be drawn with: ${error.message}`, isModel: false };
  }
}

function describe(rows: readonly Row[]): Description {
  return {
    title: "Models (draw with --model NAME or PATH)",
    values: {},
    parts: rows.map(({ model, path, what, size, memory }) => ({
      title: model,
      values: {
        what,
        ...(size !== undefined && { images: `${size}x${size} pixels` }),
        ...(memory !== undefined && { memory: `${formatBytes(memory)} for weights` }),
        path,
      },
    })),
  };
}
