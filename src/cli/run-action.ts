// What the commands that begin with a picture have in common: its receipt, the model that drew it, and where results go.
import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { NishikiError, quote } from "../errors.js";
import {
  type ActionOptions,
  type ActionRequest,
  completeLoadOptions,
  type DrawnPicture,
  type FileRequest,
  fileRequestSchema,
  type ImageReference,
  loadOptionsSchema,
  mapImages,
  type Receipt,
  type RequestContext,
  receiptRequestSchema,
} from "../pipeline/index.js";
import { besideImage, openModel, restoreLoad } from "../pipeline/node.js";
import { wholeNumberFrom } from "./commands/number-options.js";
import { drawPrepared, type OutputOptions, prepareDrawings } from "./draw-prepared.js";
import { readReceiptFile } from "./receipt-file.js";
import { addSettingOptions, nameOptions, pickSettings } from "./setting-options.js";

export interface ActionCommandOptions extends OutputOptions, Readonly<Record<string, unknown>> {
  readonly prompt?: string;
  readonly count?: number;
  readonly json?: boolean;
  readonly grid?: boolean;
  readonly quiet?: boolean;
}

/** Settings that an action's picture may be drawn with instead of its own. */
export const changeable = ["seed", "steps", "guidance", "negativePrompt", "sampler", "init.strength"];

/** Options that all actions have. */
export function addActionOptions(command: Command): Command {
  command
    .option("--prompt <text>", "another prompt (default: the picture's)")
    .addOption(new Option("-c, --count <number>", "number of images").argParser(wholeNumberFrom(1)));
  addSettingOptions(command, fileRequestSchema, changeable);
  addSettingOptions(command, loadOptionsSchema);
  return command
    .option("-o, --output <path>", ".png file or folder (default: the picture's folder)")
    .option("-f, --force", "replace existing files")
    .option("--json", "print a JSON line for the model, each warning and each image instead of paths")
    .option("--grid", "write several images as one, too, as NAME-grid.png")
    .option("-q, --quiet", "print no progress");
}

/** Makes a request of a picture. */
export type MakeRequest = (
  picture: DrawnPicture<string>,
  context: RequestContext,
  options: ActionOptions,
) => ActionRequest;

/** The picture's request with the files of its images, which are looked for beside it. */
async function readPicture(file: string, receipt: Receipt, width: number, height: number) {
  const find = (image: unknown) => besideImage(file, (image as ImageReference).name) ?? file;
  const request = (await mapImages(receiptRequestSchema, receipt.request, find)) as ActionRequest;
  return { image: file, width, height, request };
}

/** Draws what an action makes of a picture. @throws NishikiError "file" for a picture without a receipt */
export async function runAction(
  file: string,
  options: ActionCommandOptions,
  make: MakeRequest,
): Promise<void> {
  const { receipt, pixels } = await readReceiptFile(file, "changed by this command");
  const given = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const load = await restoreLoad(receipt, given, { folders: [dirname(file), process.cwd()] });
  const opened = await openModel(load);
  const picture = await readPicture(file, receipt, pixels.width, pixels.height);
  const { init, seed, ...changes } = pickSettings(options, fileRequestSchema, changeable);
  const { prompt, count } = options;
  try {
    const request = make(picture, opened.context, {
      ...(prompt !== undefined && { prompt }),
      ...(count !== undefined && { count }),
      ...(seed !== undefined && { seed: seed as number }),
    });
    const whole = { ...request, ...changes, ...withStrength(request, init) } as unknown as FileRequest;
    const output = options.output ?? dirname(file);
    const where = { output: output === "." ? "./" : output, force: options.force ?? false };
    const drawings = await prepareDrawings(
      [whole],
      describeLimits(request, opened.context),
      opened.context,
      where,
    );
    await drawPrepared({ opened, load }, drawings, options);
  } catch (error) {
    throw renameSettings(error);
  }
}

/** What a model that draws one size does with a picture that grows. */
function describeLimits({ inpaint, prompt }: ActionRequest, { sizes }: RequestContext): readonly string[] {
  const isExtended = (inpaint as { readonly extend?: unknown } | undefined)?.extend !== undefined;
  if (!isExtended || sizes.range) return [];
  return [
    `This model draws one size, so the picture becomes smaller, and it may draw ${quote(prompt)} once more around it. Say with --prompt what lies there.`,
  ];
}

/** --strength changes how much of a picture is drawn anew, where it is drawn from itself. */
export function withStrength({ init }: ActionRequest, changes: unknown): object {
  if (changes === undefined) return {};
  if (init === undefined)
    throw new NishikiError("usage", "--strength: here, the picture is not drawn from itself. Leave it out.");
  return { init: { ...(init as object), ...(changes as object) } };
}

function renameSettings(error: unknown): unknown {
  if (!(error instanceof NishikiError) || error.code !== "usage") return error;
  return new NishikiError("usage", nameOptions(error.message, fileRequestSchema), { cause: error });
}
