// The networks of a Stable Diffusion model, as a pool of sessions loads them (node).
import type {
  ImagePriorFiles,
  ModelComponent,
  OpenedClip,
  StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import type { Engine, WeightPlaces } from "../../../engine/index.js";
import { listSome, NishikiError } from "../../../errors.js";
import { formatShape, getUsualSizes, type Program } from "../../../graph/index.js";
import { tracePriorTransformer } from "../../../models/index.js";
import type { Watch } from "../../cancel.js";
import type { NetworkAdapters } from "../../node-loras.js";
import { getWeightBytes, type ModelSessions, type Network, type NetworkGroup } from "../../session-pool.js";
import { traceImageEncoder } from "../../vision/program.js";
import { traceTextEmbedding } from "../../vision/text-embedding.js";
import { getTextOptions } from "./conditioning.js";
import { getAdapterInput, getAspectBlocks, getImageTokens, type ImageAspect } from "./ip-adapter.js";
import type { StableDiffusionModel } from "./model.js";
import type { NetworkKey, Networks } from "./networks.js";
import type { IpAdapterFiles } from "./node-ip-adapter.js";
import { type ImageSlots, traceImageProjection, traceTextEncoder, traceUnet } from "./programs.js";

/** What a model's networks are made of. */
export interface NetworkSources {
  readonly files: Pick<StableDiffusionFiles, "unet" | "vae">;
  /** CLIP's image encoder, for image prompts. */
  readonly imageEncoder?: ModelComponent;
  readonly ipAdapter?: IpAdapterFiles;
  /** CLIP whose texts are blended with image prompts. */
  readonly clip?: OpenedClip;
  readonly prior?: ImagePriorFiles;
  readonly model: StableDiffusionModel;
  readonly textEncoders: readonly ModelComponent[];
  readonly adapters: NetworkAdapters;
  /** Vectors of learned words, for each text encoder. */
  readonly vectors: readonly (Float32Array | undefined)[];
  /** The autoencoder of previews. */
  readonly preview: ModelComponent | undefined;
}

/** A program, and the weights that it reads. */
interface Recipe {
  readonly program: Program;
  readonly places: WeightPlaces;
}

function makeRecipe(key: NetworkKey, sources: NetworkSources): Recipe {
  const { files, model, textEncoders, adapters, vectors, preview } = sources;
  switch (key.part) {
    case "text encoder": {
      const { index, skip } = key;
      const learned = vectors[index];
      const options = { ...getTextOptions(model), skip, ...(learned && { learned }) };
      const program = traceTextEncoder(model.textEncoders[index]!, options, adapters.texts[index]);
      return { program, places: textEncoders[index]!.weights };
    }
    case "image encoder": {
      const { config } = (model.imageEmbedding ?? model.ipAdapter)!.encoder!;
      return { program: traceImageEncoder(config, key.output), places: sources.imageEncoder!.weights };
    }
    case "text embedding":
      return {
        program: traceTextEmbedding(model.imageEmbedding!.text!),
        places: sources.clip!.text.weights,
      };
    case "prior":
      return {
        program: tracePriorTransformer(model.imageEmbedding!.prior!.network),
        places: sources.prior!.network.weights,
      };
    case "text encoder of the prior": {
      const { text } = model.imageEmbedding!.prior!;
      const program = traceTextEncoder(text, { skip: 0, normalized: true });
      return { program, places: sources.prior!.textEncoder.weights };
    }
    case "image projection": {
      const { adapter } = sources.ipAdapter!;
      const { config, attentions } = model.ipAdapter!;
      return { program: traceImageProjection(config, attentions), places: adapter.weights };
    }
    case "denoiser": {
      const { form, wraps } = key;
      const { adapt } = adapters.unet;
      const images = key.images === undefined ? undefined : getImageSlots(model, key.images);
      const program = traceUnet(model.unet, { wraps, adapt, form, images });
      return { program, places: files.unet.weights };
    }
    case "decoder": {
      const { wraps } = key;
      return { program: model.autoencoder.traceDecoder({ wraps }), places: files.vae.weights };
    }
    case "encoder":
      return { program: model.autoencoder.traceEncoder(), places: files.vae.weights };
    case "preview decoder":
      return { program: model.previewAutoencoder!.traceDecoder(), places: preview!.weights };
  }
}

function getImageSlots({ unet, ipAdapter }: StableDiffusionModel, aspects: string): ImageSlots {
  const blocks = aspects.split(" ").map((aspect) => getAspectBlocks(aspect as ImageAspect, unet));
  return { tokens: getImageTokens(ipAdapter!), blocks };
}

/** What image prompts need, by titles of their own. */
function listImageNetworks({
  imageEncoder,
  model,
  prior,
}: NetworkSources): (readonly [string, NetworkKey])[] {
  const { ipAdapter } = model;
  const output = ipAdapter ? getAdapterInput(ipAdapter.config) : "embedding";
  return [
    ...(imageEncoder ? [["image encoder", { part: "image encoder", output }] as const] : []),
    ...(model.imageEmbedding?.text ? [["text encoder of CLIP", { part: "text embedding" }] as const] : []),
    ...(prior
      ? (["prior", "text encoder of the prior"] as const).map((part) => [part, { part }] as const)
      : []),
    ...(ipAdapter ? [["IP-Adapter's projection", { part: "image projection" }] as const] : []),
  ];
}

/** @throws NishikiError "checkpoint" where weights do not fit the programs that read them */
export function checkWeights(sources: NetworkSources): void {
  const keys: readonly (readonly [title: string, key: NetworkKey])[] = [
    ["unet", { part: "denoiser", form: "whole", wraps: false, ...(sources.ipAdapter && { images: "all" }) }],
    ["decoder", { part: "decoder", wraps: false }],
    ["encoder", { part: "encoder" }],
    ...listImageNetworks(sources),
    ...(sources.preview ? [["preview's autoencoder", { part: "preview decoder" }] as const] : []),
    ...sources.textEncoders.map((_, index) => {
      const key: NetworkKey = { part: "text encoder", index, skip: 0 };
      return [index === 0 ? "text encoder" : "second text encoder", key] as const;
    }),
  ];
  const problems = keys.flatMap(([title, key]) => findProblems(title, makeRecipe(key, sources)));
  if (problems.length === 0) return;
  const { name } = sources.model;
  const message = `The weights of ${name} do not fit its configs: ${listSome(problems, 12, "; ")}.`;
  throw new NishikiError("checkpoint", message);
}

/** Parameters that are missing or of another shape. */
function findProblems(title: string, { program, places }: Recipe): string[] {
  return program.parameters.flatMap(({ name, shape }) => {
    const place = places.get(name);
    if (!place) return [`the ${title} has no "${name}"`];
    if (place.shape.join() === shape.join()) return [];
    return [`"${name}" of the ${title} is ${formatShape(place.shape)} and should be ${formatShape(shape)}`];
  });
}

/** Networks of one group work in turn; the preview's decoder works between the denoiser's steps. */
const groups: Readonly<Record<NetworkKey["part"], NetworkGroup>> = {
  "text encoder": "text",
  "image encoder": "text",
  "image projection": "text",
  "text embedding": "text",
  prior: "prior",
  "text encoder of the prior": "text",
  denoiser: "denoise",
  decoder: "decode",
  encoder: "decode",
  "preview decoder": "denoise",
};

/**
 * Measured on the CPU with weights that stay in their files: a step takes a tenth longer, loading a tenth of the time, and
 * memory is less than half. The autoencoder has few weights and large images, which gain most from packed ones.
 */
const staysInFiles = (part: NetworkKey["part"]) =>
  ["text encoder", "image encoder", "prior", "text encoder of the prior", "denoiser"].includes(part);

/** The image for which the CPU's convolutions are chosen: the model's usual one, whatever is drawn. */
function getUsualImage({ part }: NetworkKey, { context, autoencoder }: StableDiffusionModel) {
  const { width, height } = context.sizes.usual;
  const scale = part === "encoder" ? 1 : autoencoder.scale;
  const isGuided = part === "denoiser" && (context.defaults.guidance ?? 0) > 1;
  return { batch: isGuided ? 2 : 1, height: height / scale, width: width / scale };
}

/** Latents of a tile, or pixels for the encoder: its convolutions are the same for all larger ones. */
const usualTile = { batch: 1, height: 96, width: 96 };

/** The networks for one request. */
export function openNetworks(
  sources: NetworkSources,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): Networks {
  const describe = (key: NetworkKey): Network => {
    const { part } = key;
    const recipe = makeRecipe(key, sources);
    const usualSizes = getUsualSizes(recipe.program, getUsualImage(key, sources.model));
    const inPlace = engine.device === "cpu" && staysInFiles(part);
    return {
      key,
      group: groups[part],
      title: part,
      bytes: getWeightBytes(recipe.program),
      load: () => engine.load(recipe.program, { weights: recipe.places, inPlace, usualSizes }),
    };
  };
  const known = new Map<string, Network>();
  const find = (key: NetworkKey) => {
    const name = JSON.stringify(key);
    const network = known.get(name) ?? describe(key);
    known.set(name, network);
    return network;
  };
  const { weights } = sources.files.vae;
  return {
    ...(watch.signal && { signal: watch.signal }),
    use: (key, work) => sessions.use(find(key), work, watch),
    exclusive: (work) =>
      sessions.exclusive(() =>
        work((program) => engine.load(program, { weights, usualSizes: getUsualSizes(program, usualTile) })),
      ),
  };
}
