// nishiki draw --server: a server draws, and the images are saved here.
import { randomUUID } from "node:crypto";
import { basename, extname } from "node:path";
import { NishikiError } from "../../errors.js";
import { getImageFormat } from "../../image/index.js";
import { readImageFile } from "../../image/node.js";
import {
  type FileRequest,
  fileRequestSchema,
  type ImageSettings,
  type LoadOptions,
  mapImages,
  type ParameterOptions,
  type ParsedPrompt,
  type PromptReading,
} from "../../pipeline/index.js";
import { parse } from "../../schema/index.js";
import type { Job, JobLoad, PlanAnswer } from "../../server/index.js";
import { type AnyPlanner, refuseToPlan } from "../plan-requests.js";
import type { WritePreview } from "../preview-file.js";
import { RemoteDrawing } from "./remote-drawing.js";
import { ServerClient } from "./server-client.js";

export interface RemoteRequest {
  readonly request: FileRequest;
  /** The options about loading that were given. */
  readonly load: LoadOptions;
  readonly preview: WritePreview | undefined;
}

export interface RemoteJob {
  readonly drawing: RemoteDrawing;
  readonly settings: ImageSettings;
}

/** Gives a server a job. @throws NishikiError "usage" and whatever the server answers */
export async function createRemoteJob(
  link: string,
  { request, load, preview }: RemoteRequest,
): Promise<RemoteJob> {
  const client = new ServerClient(link);
  const { model, ...additions } = nameAdditions(load);
  const checked = parse(fileRequestSchema, request, { name: "the request", noun: "setting" });
  const stored = await mapImages(fileRequestSchema, checked, (path) => upload(client, path as string));
  const body = { request: stored, ...(model !== undefined && { model }), load: additions };
  const job = await client.ask<Job>("PUT", `/jobs/${randomUUID()}`, body);
  return {
    drawing: new RemoteDrawing(client, job, preview),
    settings: job.request as unknown as ImageSettings,
  };
}

/** Reads the parameters of prompts as a server's model takes them. */
export function parseRemotely(link: string, load: LoadOptions) {
  return async (prompt: string, options: ParameterOptions): Promise<ParsedPrompt> => {
    const { model } = nameAdditions(load);
    const { count, seed } = options;
    const body = { prompt, count, seed, model };
    const reading = await new ServerClient(link).ask<PromptReading>("POST", "/prompts", body);
    if (reading.faults.length > 0) throw new NishikiError("usage", reading.faults.join("\n"));
    return reading;
  };
}

/** Plans prompts as a server's model takes them. */
export function planRemotely(link: string, load: LoadOptions): AnyPlanner {
  const { model } = nameAdditions(load);
  const ask = async (from: object) => {
    const { planned } = await new ServerClient(link).ask<PlanAnswer>("POST", "/plans", { ...from, model });
    return planned ?? refuseToPlan();
  };
  return { plan: (prompt) => ask({ prompt }), say: (plan) => ask({ plan }) };
}

async function upload(client: ServerClient, path: string): Promise<string> {
  const bytes = await readImageFile(path);
  const format = getImageFormat(bytes)?.name.toLowerCase() ?? "png";
  return client.upload(bytes, `image/${format}`);
}

/** Load options that a server leaves to its clients. */
const ours = ["model", "lora", "embedding", "vae", "precision"];

/** Files as the server's catalogue calls them. */
function nameAdditions(load: LoadOptions): { readonly model?: string } & JobLoad {
  const other = Object.keys(load).find((name) => !ours.includes(name));
  if (other !== undefined)
    throw new NishikiError(
      "usage",
      `${other}: the server decides this. Leave it out, or draw without --server.`,
    );
  const { model, lora, embedding, vae, precision } = load;
  const loras = list(lora).map((one) => {
    const { file, weight } = typeof one === "string" ? { file: one, weight: undefined } : one;
    return { id: toId(file), weight: weight ?? 1 };
  });
  const embeddings = list(embedding).map(toId);
  return {
    ...(model !== undefined && { model: toId(model) }),
    ...(loras.length > 0 && { loras }),
    ...(embeddings.length > 0 && { embeddings }),
    ...(vae !== undefined && { vae: toId(vae) }),
    ...(precision !== undefined && { precision }),
  };
}

const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** A file's name without its ending, which is its id; a name without an ending stays. */
const toId = (file: string) =>
  /\.(safetensors|ckpt)$/i.test(file) ? basename(file, extname(file)) : basename(file);
