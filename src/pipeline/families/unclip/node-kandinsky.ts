// Loads Kandinsky 2.2 from published files into sessions on this machine's devices (node).
import type { ModelComponent } from "../../../checkpoint/node.js";
import {
  traceAddedKvUnet,
  traceMovqDecoder,
  traceMovqEncoder,
  tracePriorTransformer,
} from "../../../models/index.js";
import { loadClipFolder } from "../../../tokenizer/node.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { traceImageEncoder } from "../../vision/program.js";
import type { OpenedModel } from "../node-family.js";
import { traceTextEncoder } from "../stable-diffusion/programs.js";
import { makeKandinsky } from "./kandinsky.js";
import { type KandinskyModel, readKandinsky } from "./kandinsky-model.js";
import { getKandinskyWork } from "./kandinsky-work.js";
import type { NetworkKey } from "./networks.js";
import { type KandinskyFiles, openKandinskyFiles } from "./node-kandinsky-files.js";
import { openModelFiles } from "./node-model.js";
import type { NetworkSource, NetworkSources } from "./node-networks.js";

/** A part of the prior's folder. */
const getPriorPart = ({ prior, prefix }: KandinskyFiles, name: string): ModelComponent | undefined =>
  prior.networks[`${prefix}${name}`];

/** Reads the configs of opened files. @throws NishikiError "checkpoint" */
export function readKandinskyFiles(files: KandinskyFiles): KandinskyModel {
  const { decoder, prior, prefix, processor } = files;
  const config = (name: string) => getPriorPart(files, name)!.config;
  const images = getPriorPart(files, "image_encoder");
  return readKandinsky({
    name: files.name,
    textEncoder: config("text_encoder"),
    prior: config("prior"),
    priorScheduler: prior.schedulers[`${prefix}scheduler`]!,
    ...(images && { imageEncoder: { config: images.config, processor } }),
    unet: decoder.networks.unet!.config,
    scheduler: decoder.schedulers.scheduler!,
    movq: decoder.networks.movq!.config,
  });
}

function getSource(files: KandinskyFiles, model: KandinskyModel, { part }: NetworkKey): NetworkSource {
  const { unet, movq } = files.decoder.networks;
  switch (part) {
    case "text encoder":
      return {
        component: getPriorPart(files, "text_encoder")!,
        trace: () => traceTextEncoder(model.prior.text, { skip: 0, normalized: true }),
      };
    case "image encoder":
      return {
        component: getPriorPart(files, "image_encoder")!,
        trace: () => traceImageEncoder(model.images!.config),
      };
    case "prior":
      return {
        component: getPriorPart(files, "prior")!,
        trace: () => tracePriorTransformer(model.prior.network),
      };
    case "encoder":
      return { component: movq!, trace: () => traceMovqEncoder(model.movq) };
    case "decoder":
      return { component: movq!, trace: () => traceMovqDecoder(model.movq) };
    default:
      return { component: unet!, trace: () => traceAddedKvUnet(model.unet) };
  }
}

const parts = ["text encoder", "prior", "denoiser", "decoder", "encoder"] as const;

/** Opens a model without loading weights. @throws NishikiError "file", "checkpoint" */
export async function openKandinsky(path: string, options: CompleteLoadOptions): Promise<OpenedModel> {
  const files = await openKandinskyFiles(path, options.prior);
  const model = readKandinskyFiles(files);
  const networks: NetworkSources = {
    name: files.name,
    keys: [...parts, ...(model.images ? (["image encoder"] as const) : [])].map((part) => ({ part })),
    get: (key) => getSource(files, model, key),
  };
  return openModelFiles({
    context: model.context,
    files: files.files,
    networks,
    text: model.prior.text,
    loadTokenizer: () => loadClipFolder(files.prior.tokenizers[`${files.prefix}tokenizer`]!),
    getWork: (settings, stored) => getKandinskyWork(model, settings, stored),
    make: (text, open) => makeKandinsky(model, text, open),
    options,
  });
}
