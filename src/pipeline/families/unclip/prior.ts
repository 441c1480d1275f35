// The prior of unCLIP as a stage: a diffusion over CLIP's embedding of an image, from a text (Ramesh et al. 2022,
// arXiv:2204.06125, section 2.2). Which of several embeddings suits the text best is decided by their dot products with
// the text's embedding, as the paper does with two.
import {
  getDenoiser,
  getSampler,
  getTrainedLimit,
  type Limit,
  type Network,
  planSteps,
  readScheduler,
  type TrainedScheduler,
} from "../../../diffusion/index.js";
import { NishikiError, quote } from "../../../errors.js";
import {
  type ClipTextConfig,
  type ConfigRecord,
  type PriorTransformerConfig,
  readClipTextConfig,
  readPriorTransformerConfig,
} from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { Conditioning, DiffusionStage, StageResult, StageRun } from "../../plan.js";
import { f32, floats } from "../../tensors.js";
import type { Networks } from "./networks.js";
import type { EncodedText } from "./text.js";

/** A prior and its text encoder, without their weights. */
export interface PriorModel {
  readonly text: ClipTextConfig;
  readonly network: PriorTransformerConfig;
  readonly scheduler: TrainedScheduler;
  readonly limit: Limit | undefined;
}

/** The defaults of diffusers' pipelines. */
export const priorDefaults = { steps: 25, guidance: 4, candidates: 1 } as const;

/** A text encoder's config; model_index.json has named its class. @throws NishikiError "checkpoint" */
export const readProjectedText = (json: ConfigRecord): ClipTextConfig =>
  readClipTextConfig({ ...json, architectures: ["CLIPTextModelWithProjection"] });

/** @throws NishikiError "checkpoint" for unsupported or mismatched configs */
export function readPrior(text: ConfigRecord, prior: ConfigRecord, trained: ConfigRecord): PriorModel {
  const model = {
    text: readProjectedText(text),
    network: readPriorTransformerConfig(prior),
    scheduler: readScheduler(trained, "pixels"),
  };
  const { width, projection, positions } = model.text;
  const { embeddingWidth, textWidth, tokens } = model.network;
  if (width !== embeddingWidth || projection !== textWidth || positions !== tokens) {
    const has = `${positions} states of ${width} numbers and an embedding of ${projection ?? "none"}`;
    const takes = `${tokens} of ${embeddingWidth} and ${textWidth}`;
    refuse(`the text encoder has ${has}, but the prior takes ${takes}`);
  }
  return { ...model, limit: getTrainedLimit(model.scheduler) };
}

/** @throws NishikiError "checkpoint" */
export function refuse(reason: string): never {
  throw new NishikiError("checkpoint", `The model's parts do not fit together: ${reason}.`);
}

/** A model's own sampler: its networks were trained for one way of sampling. @throws NishikiError "checkpoint" */
export function getOwnSampler({ sampler, className }: TrainedScheduler, what: string) {
  if (sampler) return getSampler(sampler);
  throw new NishikiError(
    "checkpoint",
    `The scheduler of ${what} is ${quote(className)}, which is not supported.`,
  );
}

/** What a request asks of the prior. */
export interface PriorSettings {
  readonly steps: number;
  readonly guidance: number;
  readonly candidates: number;
}

export const getPriorSettings = ({ prior }: ImageSettings): PriorSettings => ({
  steps: prior?.steps ?? priorDefaults.steps,
  guidance: prior?.guidance ?? priorDefaults.guidance,
  candidates: prior?.candidates ?? priorDefaults.candidates,
});

/** Plans the prior's steps. @throws NishikiError "usage", "checkpoint" */
export function planPrior({ scheduler }: PriorModel, { steps }: Pick<PriorSettings, "steps">) {
  if (steps < 2)
    throw new NishikiError(
      "usage",
      `prior.steps: the times of the prior span its schedule; expected at least 2, got ${steps}.`,
    );
  return planSteps(scheduler, { sampler: getOwnSampler(scheduler, "the prior").name, steps });
}

/** Texts whose image embeddings are drawn together. */
export interface PriorTexts {
  readonly text: EncodedText;
  /** Drawn beside it, with random numbers after those of the text. */
  readonly negative?: EncodedText | undefined;
  /** What guidance leads away from. */
  readonly uncond: EncodedText;
}

/** Rows of a network's input: for each condition, each of the texts. */
function makeNetwork(
  { network: config }: PriorModel,
  networks: Networks,
  { text, negative, uncond }: PriorTexts,
  candidates: number,
  keep: (statistics: Statistics) => void,
): Network<Conditioning> {
  const texts = [...Array.from({ length: candidates }, () => text), ...(negative ? [negative] : [])];
  return async (input, time, conditions) => {
    const rows = conditions.flatMap((condition) =>
      condition === "uncond" ? texts.map(() => uncond) : texts,
    );
    const join = (get: (text: EncodedText) => Float32Array, ...shape: number[]) => {
      const size = get(text).length;
      const data = new Float32Array(rows.length * size);
      rows.forEach((row, i) => {
        data.set(get(row), i * size);
      });
      return f32(data, rows.length, ...shape);
    };
    const inputs = {
      sample: f32(input, rows.length, config.embeddingWidth),
      timestep: f32(new Float32Array(rows.length).fill(time), rows.length),
      text: join(({ embedding }) => embedding, config.textWidth),
      states: join(({ states }) => states, config.tokens, config.embeddingWidth),
      mask: join(({ mask }) => mask, config.tokens),
    };
    const outputs = await networks.use({ part: "prior" }, (session) => session.run(inputs));
    keep({ mean: floats(outputs, "mean"), std: floats(outputs, "std") });
    return floats(outputs, "prediction");
  };
}

/** Mean and standard deviation of image embeddings, which the prior predicts standardised. */
interface Statistics {
  readonly mean: Float32Array;
  readonly std: Float32Array;
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** The candidate that is most like the text, and whatever follows the candidates. */
export function chooseCandidate(
  embeddings: readonly Float32Array[],
  candidates: number,
  text: Float32Array,
): readonly Float32Array[] {
  const scores = embeddings.slice(0, candidates).map((embedding) => dot(embedding, text));
  const best = scores.indexOf(Math.max(...scores));
  return [embeddings[Math.max(0, best)]!, ...embeddings.slice(candidates)];
}

/** The embeddings of finished latents: those of the chosen candidate and of the negative text. */
function toEmbeddings(
  latents: Float32Array,
  { mean, std }: Statistics,
  candidates: number,
  { text }: PriorTexts,
): StageResult {
  const width = mean.length;
  const embeddings = Array.from({ length: latents.length / width }, (_, i) =>
    latents.slice(i * width, (i + 1) * width).map((value, j) => value * std[j]! + mean[j]!),
  );
  const chosen = chooseCandidate(embeddings, candidates, text.embedding);
  const data = Float32Array.from(chosen.flatMap((embedding) => [...embedding]));
  return { kind: "values", shape: [chosen.length, width], data };
}

/**
 * The stage that draws an image embedding, and that of a negative text with it. Its result: those embeddings,
 * `[1 or 2, width]`.
 */
export function makePriorStage(
  model: PriorModel,
  networks: Networks,
  texts: PriorTexts,
  settings: PriorSettings,
  name = "prior",
): DiffusionStage {
  const { scheduler, limit, network } = model;
  const { candidates } = settings;
  const plan = planPrior(model, settings);
  const { sigmas, noiseScale, finalScale, options } = plan;
  const { sample } = getOwnSampler(scheduler, "the prior");
  const start = (): StageRun => {
    let statistics: Statistics | undefined;
    const keep = (latest: Statistics) => {
      statistics = latest;
    };
    return {
      denoiser: () => {
        const run = makeNetwork(model, networks, texts, candidates, keep);
        return getDenoiser(scheduler.prediction, run, plan.schedule);
      },
      finish: (latents) => toEmbeddings(latents, statistics!, candidates, texts),
    };
  };
  return {
    kind: "diffusion",
    name,
    shape: [candidates + (texts.negative ? 1 : 0), network.outputWidth],
    steps: { sampler: sample, sigmas, noiseScale, finalScale, options },
    guidance: { scale: settings.guidance },
    limit,
    start: async () => start(),
  };
}
