// nishiki models: what can be drawn with on this machine.
import { basename } from "node:path";
import type { Command } from "commander";
import { listCachedModels } from "../../hub/index.js";
import { describeModel, embeddedModel } from "../../pipeline/node.js";
import { type Description, formatBytes, formatDescription } from "../description.js";
import { print } from "../terminal.js";

interface Row {
  readonly model: string;
  readonly path: string;
  readonly what: string;
  /** Pixels. */
  readonly size?: number;
  /** Bytes that its weights take. */
  readonly memory?: number;
}

export function addModelsCommand(program: Command): void {
  program
    .command("models")
    .description("list the models that are there, and what each can do")
    .argument("[paths...]", "folders and files to look at too")
    .option("--json", "print them as JSON")
    .action(async (paths: readonly string[], { json }: { json?: boolean }) => {
      const rows = await list(paths);
      await print(json ? `${JSON.stringify(rows)}\n` : formatDescription(describe(rows)));
    });
}

async function list(paths: readonly string[]): Promise<Row[]> {
  const own = await lookAt("(embedded)", embeddedModel);
  const cached = (await listCachedModels()).map(({ repository, path }) => lookAt(repository, path));
  const given = paths.map((path) => lookAt(basename(path), path));
  return [own, ...(await Promise.all([...cached, ...given]))];
}

/** Whatever is wrong with one model, the others are listed. */
async function lookAt(model: string, path: string): Promise<Row> {
  try {
    const { what, size, memory } = await describeModel(path);
    return { model, path, what, ...(size && { size }), ...(memory && { memory }) };
  } catch (error) {
    return { model, path, what: `cannot be drawn with: ${(error as Error).message}` };
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
        ...(size !== undefined && { pictures: `${size}x${size} pixels` }),
        ...(memory !== undefined && { memory: `${formatBytes(memory)} for weights` }),
        path,
      },
    })),
  };
}
