// DeepFloyd IF as a family: Imagen's design with open weights. T5 encodes the prompt, stage 1 draws a small image in pixels, and
// stage 2 enlarges it four times; what goes into the networks, and in which order random numbers are drawn, is that of
// diffusers' pipelines.
import type { T5Tokenizer } from "../../../tokenizer/index.js";
import type { Watch } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import { makePasteStage } from "../../paste-stage.js";
import type { DiffusionStage, Model, Plan, StageResult, TransformStage } from "../../plan.js";
import { usesInitInAllStages } from "../../request-context.js";
import type { ImageSize } from "../../request-values.js";
import type { Runtime } from "../../runtime.js";
import type { NetworkWork } from "../../work.js";
import { prepareUpscale, type UpscaleParts } from "../upscaler/family.js";
import { PromptEncoder } from "./conditioning.js";
import {
  drawsThird,
  enlargement,
  getStageSettings,
  getThirdSettings,
  type IfModel,
  planStage,
} from "./model.js";
import type { Networks } from "./networks.js";
import { getPlanes, makeIfStage, toPixels } from "./stage.js";
import { getIfWork } from "./work.js";

const toResult = (pixels: ReturnType<typeof toPixels>): StageResult => ({ kind: "pixels", pixels });

/** The last stage: what the cascade gave as pixels. */
const finish: TransformStage = {
  kind: "transform",
  name: "pixels",
  run: async (input) => toResult(toPixels(getPlanes(input))),
};

/** Stage 3, for one request. */
export type OpenUpscaler = (watch: Watch) => UpscaleParts;

class DeepFloydIf implements Model {
  readonly identity: Model["identity"];
  readonly context: IfModel["context"];
  private readonly parts: IfModel;
  private readonly encoder: PromptEncoder;
  private readonly open: (watch: Watch) => Networks;
  private readonly openUpscaler: OpenUpscaler | undefined;

  constructor(
    parts: IfModel,
    tokenizer: T5Tokenizer,
    open: (watch: Watch) => Networks,
    openUpscaler: OpenUpscaler | undefined,
  ) {
    this.openUpscaler = openUpscaler;
    this.parts = parts;
    this.encoder = new PromptEncoder(parts.text, tokenizer);
    this.open = open;
    this.identity = { name: parts.name, version: "published" };
    this.context = parts.context;
  }

  async prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan> {
    const networks = this.open(runtime);
    runtime.onProgress?.({ kind: "encode", stage: "prompt" });
    const { stages } = this.parts;
    const own = getStageSettings(settings, stages);
    const steps = own.map((one, i) => planStage(stages[i]!, settings.sampler, one).sigmas.length - 1);
    const texts = await this.encoder.encode(settings, steps, networks);
    const third = drawsThird(settings, this.parts) ? 1 : 0;
    // Masks belong to the last of these stages; stage 3 enlarges whatever they gave.
    const pixels = { ...settings, size: this.getSize(settings, third) };
    const drawn: DiffusionStage[] = own.map((one, i) => {
      const size = this.getSize(settings, own.length - 1 - i + third);
      const isLast = third === 0 && i === own.length - 1;
      // Where all stages begin with an image, the first alone would need it at another size: its picture is no request's.
      const isKept = !isLast && !(settings.init && usesInitInAllStages(settings));
      const drawnStages = isKept ? i + 1 : undefined;
      return makeIfStage(stages[i]!, {
        networks,
        texts: texts.stages[i]!,
        size,
        settings: pixels,
        own: one,
        isFirst: i === 0,
        stages: drawnStages,
      });
    });
    if (!third) return { warnings: texts.warnings, stages: [...drawn, finish, ...makePasteStage(settings)] };
    const last = await prepareUpscale(this.openUpscaler!(runtime), getThirdSettings(settings, this.parts), {
      name: "upscaler",
      getSmall: (input) => getPlanes(input).data.map((value) => Math.min(1, Math.max(-1, value))),
    });
    return { warnings: texts.warnings, stages: [...drawn, ...last.stages] };
  }

  /** The size of a stage after which so many enlarge. */
  private getSize({ size: { width, height } }: ImageSettings, later: number): ImageSize {
    const times = enlargement ** later;
    return { width: width / times, height: height / times };
  }

  getWork(settings: ImageSettings): readonly NetworkWork[] {
    const tokenizers = this.openUpscaler?.({}).tokenizers;
    return getIfWork(this.parts, settings, { tokenizers });
  }
}

/** A model, its tokenizer and its networks, as a family. */
export function makeDeepFloydIf(
  model: IfModel,
  tokenizer: T5Tokenizer,
  open: (watch: Watch) => Networks,
  openUpscaler?: OpenUpscaler,
): Model {
  return new DeepFloydIf(model, tokenizer, open, openUpscaler);
}
