// Stable Diffusion's x4 upscaler as a family: it enlarges any image four times, as the prompt says.
import type { Watch } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import { fromBytes } from "../../pixels.js";
import type { Model, Plan, TransformStage } from "../../plan.js";
import type { Runtime } from "../../runtime.js";
import { getValues } from "../../stage-results.js";
import type { NetworkWork } from "../../work.js";
import { AutoencoderRuns } from "../stable-diffusion/autoencoder-runs.js";
import { encodeConditioning } from "../stable-diffusion/conditioning.js";
import type { Tokenizers } from "../stable-diffusion/model.js";
import type { Networks } from "../stable-diffusion/networks.js";
import type { BlendedTiling } from "./blended-tiles.js";
import type { UpscalerModel } from "./model.js";
import { makeUpscaleStage, type UpscalePlace, usualTiling } from "./stage.js";
import { getUpscalerWork } from "./work.js";

/** `[height, width, 3]` bytes → planes in [-1, 1]. */
function toPlanes(bytes: Uint8Array): Float32Array {
  const values = fromBytes(bytes);
  const places = values.length / 3;
  return values.map((_, i) => values[(i % places) * 3 + Math.floor(i / places)]!);
}

/** What draws. */
export interface UpscaleParts {
  readonly model: UpscalerModel;
  readonly tokenizers: Tokenizers;
  readonly networks: Networks;
  readonly tiling?: BlendedTiling;
}

/** The stages that enlarge a small image to `settings.size`, with the prompts encoded; the last one gives pixels. */
export async function prepareUpscale(
  { model, tokenizers, networks, tiling = usualTiling }: UpscaleParts,
  settings: ImageSettings,
  place: UpscalePlace,
): Promise<Pick<Plan, "warnings" | "stages">> {
  const encoded = await encodeConditioning(model, tokenizers, networks, settings, [], settings.steps);
  const { conditioning, warnings } = encoded;
  const { scale } = model.autoencoder;
  const area = { height: settings.size.height / scale, width: settings.size.width / scale };
  const autoencoder = new AutoencoderRuns(model.autoencoder, networks);
  const request = { networks, autoencoder, conditioning, settings, area, tiling };
  const decode: TransformStage = {
    kind: "transform",
    name: "decode",
    run: async ({ last }) => ({
      kind: "pixels",
      pixels: await autoencoder.decode(getValues(last), area, false),
    }),
  };
  return { warnings, stages: [makeUpscaleStage(model, request, place), decode] };
}

class Upscaler implements Model {
  readonly identity: Model["identity"];
  readonly context: UpscalerModel["context"];
  private readonly parts: UpscalerModel;
  private readonly tokenizers: Tokenizers;
  private readonly open: (watch: Watch) => Networks;
  private readonly tiling: BlendedTiling;

  constructor(
    parts: UpscalerModel,
    tokenizers: Tokenizers,
    open: (watch: Watch) => Networks,
    tiling: BlendedTiling,
  ) {
    this.parts = parts;
    this.tokenizers = tokenizers;
    this.open = open;
    this.tiling = tiling;
    this.identity = { name: parts.name, version: "published" };
    this.context = parts.context;
  }

  async prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan> {
    const networks = this.open(runtime);
    const { tokenizers, parts: model, tiling } = this;
    runtime.onProgress?.({ kind: "encode", stage: "prompt" });
    return prepareUpscale({ model, tokenizers, networks, tiling }, settings, {
      name: "base",
      getSmall: () => toPlanes(settings.init!.image.data),
    });
  }

  getWork(settings: ImageSettings): readonly NetworkWork[] {
    return getUpscalerWork(this.parts, settings, this.tokenizers, { tiling: this.tiling });
  }
}

/** A model, its tokenizer and its networks, as a family. @param tiling Of large images. */
export function makeUpscaler(
  model: UpscalerModel,
  tokenizers: Tokenizers,
  open: (watch: Watch) => Networks,
  tiling: BlendedTiling = usualTiling,
): Model {
  return new Upscaler(model, tokenizers, open, tiling);
}
