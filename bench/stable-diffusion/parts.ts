// The networks of a Stable Diffusion folder as the pipeline runs them, with inputs of one size and what a run
// costs.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openStableDiffusion, openWeights, type StableDiffusionFiles } from "../../src/checkpoint/node.js";
import type { HostTensor, HostTensors, WeightPlaces } from "../../src/engine/index.js";
import { type Program, trace } from "../../src/graph/index.js";
import { clipText } from "../../src/models/clip-text.js";
import { readClipTextConfig } from "../../src/models/clip-text-config.js";
import { conditionalUnet } from "../../src/models/conditional-unet.js";
import { readConditionalUnetConfig } from "../../src/models/conditional-unet-config.js";
import {
  decodeKl,
  decodeTiny,
  readAutoencoderKlConfig,
  readTinyAutoencoderConfig,
} from "../../src/models/index.js";
import { readAutoencoder } from "../../src/pipeline/families/stable-diffusion/autoencoder.js";
import { traceTextEncoder, traceUnet } from "../../src/pipeline/families/stable-diffusion/programs.js";
import { random } from "../../src/random/index.js";
import { countFlop } from "../count-flop.js";

export const partNames = ["unet", "text", "decoder", "tiny"] as const;
export type PartName = (typeof partNames)[number];

export interface Part {
  readonly program: Program;
  readonly weights: WeightPlaces;
  readonly inputs: HostTensors;
  /** For the choice of convolutions: the size that is measured. */
  readonly usualSizes: Readonly<Record<string, number>>;
  /** Of one run on these inputs. */
  readonly flop: number;
}

const batch = 2;
const side = 64;
const sizes = { height: side, width: side, tokens: 77 };

function normals(name: string, ...shape: number[]): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "f32", shape, data: random(0, name).normals(size) };
}

function openUnet({ unet: { config: json, weights } }: StableDiffusionFiles): Part {
  const config = readConditionalUnetConfig(json);
  const shapes = {
    sample: [batch, config.inChannels, side, side],
    timestep: [batch],
    states: [batch, 77, config.crossWidth],
  };
  const fixed = trace((t) => {
    const [sample, timestep, encoderStates] = [
      t.input("sample", shapes.sample),
      t.input("timestep", shapes.timestep),
      t.input("states", shapes.states),
    ];
    return { prediction: conditionalUnet(t.scope(), config, { sample, timestep, encoderStates }) };
  });
  const inputs = {
    sample: normals("sample", ...shapes.sample),
    timestep: { dtype: "f32" as const, shape: shapes.timestep, data: new Float32Array(batch).fill(500) },
    states: normals("states", ...shapes.states),
  };
  return {
    program: traceUnet(config),
    weights,
    inputs,
    usualSizes: { ...sizes, batch },
    flop: countFlop(fixed),
  };
}

function openText({ textEncoder: { config: json, weights } }: StableDiffusionFiles): Part {
  const config = readClipTextConfig(json);
  const shape = [batch, config.positions];
  const fixed = trace((t) => {
    const ids = t.input("ids", shape, "i32");
    return { states: clipText(t.scope(), config, { ids }, { skip: 0 }).normalized };
  });
  const data = Int32Array.from({ length: batch * config.positions }, (_, i) => i);
  return {
    program: traceTextEncoder(config, { skip: 0, normalized: true }),
    weights,
    inputs: { ids: { dtype: "i32", shape, data } },
    usualSizes: {},
    flop: countFlop(fixed),
  };
}

function openDecoder({ vae: { config: json, weights } }: Pick<StableDiffusionFiles, "vae">): Part {
  const autoencoder = readAutoencoder(json);
  const shape = [1, autoencoder.latentChannels, side, side];
  const fixed = trace((t) => {
    const latents = t.input("latents", shape);
    if (json._class_name === "AutoencoderTiny")
      return { pixels: decodeTiny(t.scope(), readTinyAutoencoderConfig(json), latents) };
    return { pixels: decodeKl(t.scope(), readAutoencoderKlConfig(json), latents) };
  });
  return {
    program: autoencoder.traceDecoder(),
    weights,
    inputs: { latents: normals("latents", ...shape) },
    usualSizes: { ...sizes, batch: 1 },
    flop: countFlop(fixed),
  };
}

/** A tiny autoencoder's folder in place of a whole model's. */
async function openTiny(folder: string): Promise<Part> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  return openDecoder({ vae: { config, weights: await openWeights(folder) } });
}

const openers = { unet: openUnet, text: openText, decoder: openDecoder } as const;

/**
 * 512×512 pixels; the denoiser and the text encoder work on both sides of guidance. Models of 1.x and 2.x.
 * @param folder A model's; for "tiny", a tiny autoencoder's.
 */
export async function openPart(name: PartName, folder: string): Promise<Part> {
  if (name === "tiny") return openTiny(folder);
  return openers[name](await openStableDiffusion(folder));
}
