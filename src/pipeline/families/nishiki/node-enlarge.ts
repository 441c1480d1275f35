// Enlarges any RGB image with a model's super-resolution network, outside of any pipeline (node).
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { fromBytes, type Pixels, toBytes } from "../../pixels.js";
import { embeddedModel, readModelFolder } from "./node-model.js";
import { openPart } from "./node-networks.js";
import { readSuperResolution } from "./programs.js";
import { doubleByDiffusion, traceSuperResolution, type Values } from "./super-resolution.js";

export interface EnlargeOptions {
  /** Folder of a model that has a super-resolution network; the embedded one by default. */
  readonly model?: string;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called after each doubling. */
  onDoubling?(done: number, of: number): void;
}

/** The network sees pairs of pixels: one more row or column, which repeats the last, is cut off again afterwards. */
function pad({ width, height, data }: Values, multiple: number): Values {
  const up = (side: number) => Math.ceil(side / multiple) * multiple;
  const padded = { width: up(width), height: up(height) };
  const values = new Float32Array(padded.width * padded.height * 3);
  for (let y = 0; y < padded.height; y++)
    for (let x = 0; x < padded.width; x++) {
      const from = (Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 3;
      values.set(data.subarray(from, from + 3), (y * padded.width + x) * 3);
    }
  return { ...padded, data: values };
}

function crop({ width, data }: Values, to: { readonly width: number; readonly height: number }): Values {
  const values = new Float32Array(to.width * to.height * 3);
  for (let y = 0; y < to.height; y++) {
    const row = data.subarray(y * width * 3, (y * width + to.width) * 3);
    values.set(row, y * to.width * 3);
  }
  return { ...to, data: values };
}

/**
 * Doubles an image's sides one or more times. The same image gives the same result.
 * @param doublings 1 for twice the size, 2 for four times, 3 for eight times.
 * @throws NishikiError "usage" for a model without such a network, "aborted", "memory", and what opening it throws
 */
export async function enlargeByNetwork(
  image: Pixels,
  doublings: number,
  { model = embeddedModel, threads, signal, onDoubling }: EnlargeOptions = {},
): Promise<Pixels> {
  const { parts } = await readModelFolder(model);
  const part = parts.superResolution;
  if (!part) throw new NishikiError("usage", `${model} has no super-resolution network.`);
  const config = readSuperResolution(part);
  const engine = makeEngine({ device: "cpu", ...(threads !== undefined && { threads }) });
  const open = async (height: number, width: number) => {
    const program = traceSuperResolution(config, height, width);
    return engine.load(program, { weights: await openPart(model, part, program) });
  };
  const sessions = new Map<string, ReturnType<typeof open>>();
  const openOnce = (height: number, width: number) => {
    const key = `${height}x${width}`;
    const session = sessions.get(key) ?? open(height, width);
    sessions.set(key, session);
    return session;
  };
  try {
    let values: Values = { width: image.width, height: image.height, data: fromBytes(image.data) };
    const network = { config, steps: part.steps, augmentation: part.augmentation, open: openOnce };
    for (let stage = 0; stage < doublings; stage++) {
      const { width, height } = values;
      const padded = pad(values, config.fold / 2);
      const doubled = await doubleByDiffusion(padded, network, { seed: 0, stage, ...(signal && { signal }) });
      values = crop(doubled, { width: 2 * width, height: 2 * height });
      onDoubling?.(stage + 1, doublings);
    }
    return { width: values.width, height: values.height, channels: 3, data: toBytes(values.data) };
  } finally {
    await engine.close();
  }
}
