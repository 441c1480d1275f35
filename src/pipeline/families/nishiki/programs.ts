// From the architectures that a manifest names to programs: a table, so that a model folder decides what is built.
import { NishikiError, unknownName } from "../../../errors.js";
import {
  type Dim,
  foldPixels,
  type Program,
  reshape,
  slice,
  type Tensor,
  type TraceOptions,
  type Tracer,
  trace,
  unfoldPixels,
} from "../../../graph/index.js";
import {
  autoencoderSchema,
  type DitConfig,
  decode,
  denoise,
  denoiserSchema,
  dit,
  ditSchema,
  encode,
  miniLm,
  miniLmSchema,
  placementChannels,
  type SuperResolutionConfig,
  superResolutionSchema,
} from "../../../models/index.js";
import { parse, type z } from "../../../schema/index.js";
import { type AttentionLayer, summarizeAttention } from "../../probe.js";
import type { ModelManifest, ModelPart } from "./manifest.js";

export interface NetworkPrograms {
  /** ids `[batch, tokens]`, mask `[batch, tokens]` → states `[batch, tokens, width]` */
  readonly textEncoder: Program;
  /** latents `[batch, height, width, channels]`, time, text, mask → velocity, as the latents */
  readonly denoiser: Program;
  /** latents `[batch, height, width, channels]` → pixels `[batch, size, size, 3]` in [-1, 1] */
  readonly decoder: Program;
}

/** pixels `[batch, size, size, 3]` in [-1, 1] → latents `[batch, height, width, channels]`, not standardised */
export function traceEncoder(manifest: ModelManifest): Program {
  return buildPart(encoders, "autoencoder", manifest);
}

/** Builds a program from a part's config, given how the model uses it. */
type Build = (config: ModelPart["config"], manifest: ModelManifest, options?: TraceOptions) => Program;

/** Reads a part's config strictly, so that a misspelt size is told and not replaced by nothing. */
function build<S extends z.ZodType>(
  schema: S,
  make: (config: z.infer<S>, manifest: ModelManifest, options?: TraceOptions) => Program,
): Build {
  return (config, manifest, options) => make(parse(schema, config, { name: "config" }), manifest, options);
}

const textEncoders: Readonly<Record<string, Build>> = {
  minilm: build(miniLmSchema, (config, { maxTokens }) =>
    trace((tracer) => {
      const ids = tracer.input("ids", ["batch", maxTokens], "i32");
      const mask = tracer.input("mask", ["batch", maxTokens]);
      return { states: miniLm(tracer.scope(), config, { ids, mask }) };
    }),
  ),
};

interface DenoiserInputs {
  readonly latents: Tensor;
  readonly time: Tensor;
  readonly text: Tensor;
  readonly mask: Tensor;
  readonly placement: Tensor | undefined;
}

/** Whether a denoiser of this config takes a map of where things lie (`placement`). */
export function seesPlacement(config: Readonly<Record<string, unknown>>): boolean {
  return config.placement === true;
}

/** A denoiser's program: every architecture takes the same and gives a velocity in the latents' own layout. */
function denoiser<S extends z.ZodType<{ readonly textWidth: number }>>(
  schema: S,
  velocity: (tracer: Tracer, inputs: DenoiserInputs, config: z.infer<S>) => Tensor,
): Build {
  return build(schema, (config, { latents: { shape }, maxTokens }, options) =>
    trace((tracer) => {
      const latents = tracer.input("latents", ["batch", ...shape]);
      const time = tracer.input("time", ["batch"]);
      const text = tracer.input("text", ["batch", maxTokens, config.textWidth]);
      const mask = tracer.input("mask", ["batch", maxTokens]);
      const placement = seesPlacement(config)
        ? tracer.input("placement", ["batch", ...shape.slice(0, 2), placementChannels])
        : undefined;
      return { velocity: velocity(tracer, { latents, time, text, mask, placement }, config) };
    }, options),
  );
}

/** A transformer sees patches of latents as tokens, row by row. Its config says how many numbers make up a patch. */
function ditVelocity(tracer: Tracer, { latents, ...inputs }: DenoiserInputs, config: DitConfig): Tensor {
  const [batch, height, width, channels] = latents.shape as [Dim, number, number, number];
  const side = Math.sqrt(config.latentChannels / channels);
  if (!Number.isInteger(side) || config.latentTokens * side * side !== height * width) {
    const wanted = `${config.latentTokens} tokens of ${config.latentChannels} numbers`;
    throw new NishikiError(
      "shape",
      `latents of ${height}x${width}x${channels} are not ${wanted} in square patches.`,
    );
  }
  const patches = foldPixels(latents, side);
  const tokens = reshape(patches, [batch, config.latentTokens, config.latentChannels]);
  const velocity = dit(tracer.scope(), { latents: tokens, ...inputs }, config);
  return unfoldPixels(reshape(velocity, patches.shape), side);
}

const denoisers: Readonly<Record<string, Build>> = {
  unet: denoiser(denoiserSchema, (tracer, inputs, config) => denoise(tracer.scope(), inputs, config)),
  dit: denoiser(ditSchema, ditVelocity),
};

const decoders: Readonly<Record<string, Build>> = {
  autoencoder: build(autoencoderSchema, (config, { latents: { shape } }) =>
    trace((tracer) => ({
      pixels: decode(tracer.scope("decoder"), tracer.input("latents", ["batch", ...shape]), config),
    })),
  ),
};

const encoders: Readonly<Record<string, Build>> = {
  autoencoder: build(autoencoderSchema, (config, { pictureSize }) =>
    trace((tracer) => {
      const pixels = tracer.input("pixels", ["batch", pictureSize, pictureSize, 3]);
      return { latents: encode(tracer.scope("encoder"), pixels, config) };
    }),
  ),
};

/** The sizes of the network that doubles images. @throws NishikiError "checkpoint" */
export function readSuperResolution({ architecture, config }: ModelPart): SuperResolutionConfig {
  try {
    if (architecture !== "super-resolution")
      throw unknownName("architecture", architecture, ["super-resolution"]);
    return parse(superResolutionSchema, config, { name: "config" });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NishikiError("checkpoint", `model.json: parts.superResolution cannot be built: ${reason}`, {
      cause: error,
    });
  }
}

function buildPart(
  table: Readonly<Record<string, Build>>,
  name: "textEncoder" | "autoencoder" | "denoiser",
  manifest: ModelManifest,
  options?: TraceOptions,
): Program {
  const { architecture, config } = manifest.parts[name];
  try {
    if (!Object.hasOwn(table, architecture)) {
      throw unknownName("architecture", architecture, Object.keys(table));
    }
    return table[architecture]!(config, manifest, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NishikiError("checkpoint", `model.json: parts.${name} cannot be built: ${reason}`, {
      cause: error,
    });
  }
}

/** The denoiser for few steps: the same inputs and output. @throws NishikiError "checkpoint" */
export function traceFast({ parts, ...rest }: ModelManifest, options?: TraceOptions): Program | undefined {
  if (!parts.fast) return undefined;
  return buildPart(denoisers, "denoiser", { ...rest, parts: { ...parts, denoiser: parts.fast } }, options);
}

/** The denoiser with its attention to the prompt's tokens as further outputs. @throws NishikiError "checkpoint" */
export function traceObserved(manifest: ModelManifest, options?: TraceOptions): Program {
  const { maxTokens } = manifest;
  const derive = (recorded: ReadonlyMap<string, Tensor>) =>
    summarizeAttention(
      [...recorded].flatMap(([name, value]): AttentionLayer[] => {
        if (name.endsWith("regions.shares"))
          return [{ kind: "regions", layer: "regions", probabilities: value }];
        if (!name.endsWith(".probabilities")) return [];
        // Keys are the image's positions, then the tokens.
        return [{ kind: "attention", layer: name, probabilities: slice(value, 3, -maxTokens) }];
      }),
    );
  return buildPart(denoisers, "denoiser", manifest, { ...options, derive });
}

/**
 * The programs of a model's networks.
 * @param options How the denoiser is traced: with a LoRA's changes.
 * @throws NishikiError "checkpoint" for an architecture that is not known, or sizes that do not fit together.
 */
/** The program of the text encoder alone. @throws NishikiError "checkpoint" */
export function traceTextEncoder(manifest: ModelManifest): Program {
  return buildPart(textEncoders, "textEncoder", manifest);
}

export function traceNetworks(manifest: ModelManifest, options?: TraceOptions): NetworkPrograms {
  return {
    textEncoder: buildPart(textEncoders, "textEncoder", manifest),
    denoiser: buildPart(denoisers, "denoiser", manifest, options),
    decoder: buildPart(decoders, "autoencoder", manifest),
  };
}
