// The networks of a model folder, as a pool of sessions loads them (node).
import { join } from "node:path";
import { openSafetensors } from "../../../checkpoint/node.js";
import type { Engine, WeightPlaces } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import type { Program, TraceOptions } from "../../../graph/index.js";
import type { Watch } from "../../cancel.js";
import { getWeightBytes, type ModelSessions, type Network } from "../../session-pool.js";
import type { ModelManifest, ModelPart } from "./manifest.js";
import type { NetworkSessions } from "./networks.js";
import { readSuperResolution, traceEncoder, traceFast, traceNetworks, traceObserved } from "./programs.js";
import { type SuperResolution, traceSuperResolution } from "./super-resolution.js";

/** The weights of a part, checked to hold every parameter of its network. */
export async function openPart(
  folder: string,
  part: ModelPart,
  { parameters }: Program,
): Promise<WeightPlaces> {
  const { path, tensors } = await openSafetensors(join(folder, part.file));
  const names = parameters.map(({ name }) => name);
  const missing = names.filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).join(", ") + (missing.length > 10 ? ", …" : "");
    const text = `${path} does not hold the network "${part.architecture}": ${missing.length} of ${names.length} parameters are missing: ${shown}.`;
    throw new NishikiError("checkpoint", text);
  }
  return new Map([...tensors].map(([name, entry]) => [name, { ...entry, file: path }]));
}

/** Two engines, so that the text encoder and the others become ready at the same time. */
export interface NetworkEngines {
  readonly text: Engine;
  readonly image: Engine;
}

type Description = Pick<Network, "key" | "group" | "title" | "groupLimit"> & {
  readonly part: ModelPart;
  readonly trace: () => Program;
};

function describe(folder: string, engine: Engine, { part, trace, ...rest }: Description): Network {
  let traced: Program | undefined;
  const program = () => {
    traced ??= trace();
    return traced;
  };
  return {
    ...rest,
    get bytes() {
      return getWeightBytes(program());
    },
    load: async () => engine.load(program(), { weights: await openPart(folder, part, program()) }),
  };
}

/** All networks of a model folder, none of them loaded. */
export interface NishikiNetworks {
  /** Those that every image needs. */
  readonly usual: readonly [textEncoder: Network, denoiser: Network, decoder: Network];
  /** The networks as sessions that are loaded when they are first run. */
  open(watch?: Watch): NetworkSessions;
}

/** @throws NishikiError "checkpoint" for sizes that do not fit together */
export function describeNetworks(
  folder: string,
  manifest: ModelManifest,
  { text, image }: NetworkEngines,
  sessions: ModelSessions,
  { adapt, hasEncoder }: Pick<TraceOptions, "adapt"> & { readonly hasEncoder: boolean },
): NishikiNetworks {
  const { parts } = manifest;
  const programs = traceNetworks(manifest, { adapt });
  const network = (
    engine: Engine,
    group: Network["group"],
    title: string,
    part: ModelPart,
    trace: () => Program,
  ) => describe(folder, engine, { key: { part: title }, group, title, part, trace });
  const textEncoder = network(text, "text", "text encoder", parts.textEncoder, () => programs.textEncoder);
  const denoiser = network(image, "denoise", "denoiser", parts.denoiser, () => programs.denoiser);
  const observed = describe(folder, image, {
    key: { part: "denoiser", isObserved: true },
    group: "denoise",
    title: "denoiser",
    part: parts.denoiser,
    trace: () => traceObserved(manifest, { adapt }),
  });
  const decoder = network(image, "decode", "decoder", parts.autoencoder, () => programs.decoder);
  const encoder = network(image, "decode", "encoder", parts.autoencoder, () => traceEncoder(manifest));
  const { fast } = parts;
  const fewStep =
    fast && network(image, "denoise", "few-step denoiser", fast, () => traceFast(manifest, { adapt })!);
  const open = (watch: Watch = {}): NetworkSessions => ({
    textEncoder: sessions.lazy(textEncoder, watch),
    denoiser: sessions.lazy(denoiser, watch),
    observedDenoiser: sessions.lazy(observed, watch),
    decoder: sessions.lazy(decoder, watch),
    ...(hasEncoder && { encoder: sessions.lazy(encoder, watch) }),
    ...(fewStep && { fewStep: sessions.lazy(fewStep, watch) }),
    ...(parts.superResolution && {
      superResolution: openSuperResolution(folder, parts.superResolution, image, sessions, watch),
    }),
  });
  return { usual: [textEncoder, denoiser, decoder], open };
}

/** Most sizes of tiles for which sessions are held: a doubling needs one or two. */
const mostTileSizes = 4;

function openSuperResolution(
  folder: string,
  part: NonNullable<ModelManifest["parts"]["superResolution"]>,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): SuperResolution {
  const config = readSuperResolution(part);
  const open = (height: number, width: number) => {
    const network = describe(folder, engine, {
      key: { part: "super-resolution", height, width },
      group: "enlarge",
      groupLimit: mostTileSizes,
      title: "super-resolution",
      part,
      trace: () => traceSuperResolution(config, height, width),
    });
    return sessions.lazy(network, watch);
  };
  return { config, steps: part.steps, augmentation: part.augmentation, open };
}
