// Frozen networks of a run: the autoencoder of another run, and the text encoder.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestWeights, fileError, openWeights } from "../checkpoint/node.js";
import type { Engine, Session, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type Program, trace } from "../graph/index.js";
import { type AutoencoderConfig, encode, miniLm, miniLmConfigs, pixelsFromBytes } from "../models/index.js";
import { embeddedModel } from "../pipeline/node.js";
import { makeTokenizer, type Tokenizer } from "../tokenizer/index.js";
import { chooseAverages } from "./averages.js";
import { checkpointPath } from "./checkpoint.js";
import { autoencoderScopes } from "./tasks/autoencoder.js";

/** The text encoder that ships with the package: its files and sizes. */
export const textEncoder = {
  folder: embeddedModel,
  weights: join(embeddedModel, "text-encoder.safetensors"),
  tokenizer: join(embeddedModel, "tokenizer.json"),
  config: miniLmConfigs["all-MiniLM-L6-v2"],
} as const;

/**
 * Opens an autoencoder's weights: a run's moving averages, or a file of weights.
 * @param path a run's folder, its checkpoint, or any `.safetensors` file
 */
export async function openAutoencoder(path: string): Promise<WeightPlaces> {
  const stats = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read the autoencoder ${path}`);
  });
  const all = await openWeights(stats.isDirectory() ? checkpointPath(path) : path);
  const weights = new Map(chooseAverages(all));
  if ([...weights.keys()].some((name) => name.startsWith("decoder."))) return weights;
  throw new NishikiError(
    "checkpoint",
    `${path} holds no autoencoder: no tensor's name starts with "decoder.". Choose an autoencoder's run or weights.`,
  );
}

/** Digest of the text encoder that ships with the package. */
export async function digestTextEncoder(): Promise<string> {
  return digestWeights(await openWeights(textEncoder.weights));
}

/** Bytes `pixels [batch, size, size, 3]` → `latents [batch, h, w, channels]`. */
export function encoderProgram(config: AutoencoderConfig, size: number): Program {
  return trace((tracer) => {
    const { encoder } = autoencoderScopes(tracer.scope());
    const pixels = pixelsFromBytes(tracer.input("pixels", ["batch", size, size, 3], "u8"));
    return { latents: encode(encoder, pixels, config) };
  });
}

export async function readTokenizer(maxTokens: number): Promise<Tokenizer> {
  const text = await readFile(textEncoder.tokenizer, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${textEncoder.tokenizer}`);
  });
  return makeTokenizer(JSON.parse(text), { maxTokens });
}

/**
 * The text encoder for captions of any length: `tokens`, `mask` `[batch, n]` → `states [batch, n, width]`.
 */
export async function loadWords(engine: Engine): Promise<Session> {
  const program = trace((tracer) => {
    const ids = tracer.input("tokens", ["batch", "tokens"], "i64");
    const mask = tracer.input("mask", ["batch", "tokens"]);
    const positions = tracer.input("positions", ["tokens"], "i64");
    return { states: miniLm(tracer.scope(), textEncoder.config, { ids, mask, positions }) };
  });
  const session = await engine.load(program, { weights: await openWeights(textEncoder.weights) });
  return {
    inputs: session.inputs.filter(({ name }) => name !== "positions"),
    outputs: session.outputs,
    readState: () => session.readState(),
    writeState: (state) => session.writeState(state),
    run: (inputs) => {
      const length = inputs.tokens!.shape[1]!;
      const data = BigInt64Array.from({ length }, (_, i) => BigInt(i));
      return session.run({ ...inputs, positions: { dtype: "i64", shape: [length], data } });
    },
    close: () => session.close(),
    [Symbol.asyncDispose]: () => session.close(),
  };
}
