// The U-Net of single-file checkpoints, named as in Stability's and CompVis' code
// (ldm/modules/diffusionmodules/openaimodel.py): blocks are numbered consecutively, and a block's tensors
// identify its type.
import type { CheckpointTensors, Place, Renamed } from "./tensors.js";

const root = "model.diffusion_model.";

/** Parts of a residual block. */
const residualParts: Readonly<Record<string, string>> = {
  "in_layers.0": "norm1",
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.0": "norm2",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};

/** Layers outside the blocks. */
const singles: Readonly<Record<string, string>> = {
  "time_embed.0": "time_embedding.linear_1",
  "time_embed.2": "time_embedding.linear_2",
  "time_embed.cond_proj": "time_embedding.cond_proj",
  "label_emb.0.0": "add_embedding.linear_1",
  "label_emb.0.2": "add_embedding.linear_2",
  "input_blocks.0.0": "conv_in",
  "out.0": "conv_norm_out",
  "out.2": "conv_out",
};

/** One level: its channels, and the number of transformer blocks after each residual block. */
interface Level {
  width: number;
  readonly transformers: number[];
}

interface Walk {
  /** Maps old prefixes to new ones: "input_blocks.1.0" → "down_blocks.0.resnets.0". */
  readonly blocks: Map<string, string>;
  readonly down: Level[];
  readonly up: Level[];
  readonly middle: number | undefined;
}

function walk(tensors: CheckpointTensors): Walk {
  const blocks = new Map<string, string>();
  const depth = (block: string) => tensors.count(`${root}${block}.transformer_blocks.`, ".norm1.weight");
  const isResidual = (block: string) => tensors.has(`${root}${block}.in_layers.0.weight`);
  const isAttention = (block: string) => tensors.has(`${root}${block}.proj_in.weight`);
  const getBlockWidth = (block: string) => tensors.shape(`${root}${block}.in_layers.2.weight`)[0] ?? 0;

  const add = (levels: Level[], side: string, block: string) => {
    const level = levels.at(-1)!;
    const at = `${side}.${levels.length - 1}`;
    const layer = level.transformers.length;
    level.width = getBlockWidth(`${block}.0`);
    blocks.set(`${block}.0`, `${at}.resnets.${layer}`);
    if (isAttention(`${block}.1`)) blocks.set(`${block}.1`, `${at}.attentions.${layer}`);
    level.transformers.push(depth(`${block}.1`));
  };
  const empty = (): Level => ({ width: 0, transformers: [] });

  const down = [empty()];
  for (
    let n = 1;
    isResidual(`input_blocks.${n}.0`) || tensors.has(`${root}input_blocks.${n}.0.op.weight`);
    n++
  ) {
    const block = `input_blocks.${n}`;
    if (isResidual(`${block}.0`)) add(down, "down_blocks", block);
    else {
      blocks.set(`${block}.0.op`, `down_blocks.${down.length - 1}.downsamplers.0.conv`);
      down.push(empty());
    }
  }
  const up = [empty()];
  for (let n = 0; isResidual(`output_blocks.${n}.0`); n++) {
    const block = `output_blocks.${n}`;
    add(up, "up_blocks", block);
    const larger = ["1", "2"].find((part) => tensors.has(`${root}${block}.${part}.conv.weight`));
    if (larger === undefined) continue;
    blocks.set(`${block}.${larger}.conv`, `up_blocks.${up.length - 1}.upsamplers.0.conv`);
    up.push(empty());
  }
  const hasMiddle = isResidual("middle_block.0");
  if (hasMiddle) {
    blocks.set("middle_block.0", "mid_block.resnets.0");
    blocks.set("middle_block.1", "mid_block.attentions.0");
    blocks.set("middle_block.2", "mid_block.resnets.1");
  }
  return { blocks, down, up, middle: hasMiddle ? depth("middle_block.1") : undefined };
}

/** "input_blocks.1.0.in_layers.2.weight" → "down_blocks.0.resnets.0.conv1.weight"; undefined if unknown. */
function newName(name: string, blocks: ReadonlyMap<string, string>): string | undefined {
  const [, single, field] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  if (single === undefined) return undefined;
  if (singles[single]) return `${singles[single]}.${field}`;
  const whole = blocks.get(single); // the convolutions that change the resolution
  if (whole) return `${whole}.${field}`;
  const [, block, inside] =
    /^((?:input|output)_blocks\.\d+\.\d+|middle_block\.\d+)\.(.+)$/.exec(single) ?? [];
  const place = block === undefined ? undefined : blocks.get(block);
  if (place === undefined || inside === undefined) return undefined;
  if (place.includes("attentions")) return `${place}.${inside}.${field}`;
  const part = residualParts[inside];
  return part && `${place}.${part}.${field}`;
}

export interface FoundUnet {
  /** As the `config.json` of diffusers. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Renamed;
}

/**
 * Reads the U-Net. A matrix stored as a 1×1 convolution stays one, and the config records that.
 * @param isUnclip Whether the vector that it takes is an image's embedding; else, the default, it is XL's.
 */
export function readUnet(tensors: CheckpointTensors, isUnclip = false): FoundUnet {
  const walked = walk(tensors);
  const renamed: [string, Place][] = [];
  for (const name of tensors.under(root)) {
    const next = newName(name, walked.blocks);
    const own = isUnclip ? next?.replace(/^add_embedding\./, "class_embedding.") : next;
    if (own) renamed.push([own, tensors.take(root + name)]);
  }
  return { config: describe(tensors, walked, new Map(renamed), isUnclip), tensors: renamed };
}

function describe(
  tensors: CheckpointTensors,
  { down, up, middle }: Walk,
  renamed: ReadonlyMap<string, Place>,
  isUnclip: boolean,
): Record<string, unknown> {
  const findShape = (pattern: RegExp) => {
    const matchingTensor = [...renamed].find(([name]) => pattern.test(name));
    return matchingTensor?.[1].shape ?? [];
  };
  const widths = down.map(({ width }) => width);
  const linear = findShape(/\.proj_in\.weight$/).length === 2;
  const attends = ({ transformers }: Level) => transformers.some((count) => count > 0);
  const label = tensors.shape(`${root}label_emb.0.0.weight`);
  const condition = tensors.shape(`${root}time_embed.cond_proj.weight`);
  return {
    _class_name: "UNet2DConditionModel",
    in_channels: tensors.shape(`${root}input_blocks.0.0.weight`)[1],
    out_channels: tensors.shape(`${root}out.2.weight`)[0],
    block_out_channels: widths,
    down_block_types: down.map((level) => (attends(level) ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    up_block_types: up.map((level) => (attends(level) ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    mid_block_type: middle === undefined ? null : "UNetMidBlock2DCrossAttn",
    layers_per_block: down.map(({ transformers }) => transformers.length),
    ...describeTransformers(down, up, middle),
    cross_attention_dim: findShape(/\.attn2\.to_k\.weight$/)[1],
    use_linear_projection: linear,
    // Shapes do not determine the heads: 1.x has 8 heads everywhere, later models use heads of 64.
    attention_head_dim: linear ? widths.map((width) => Math.max(1, Math.floor(width / 64))) : 8,
    ...(label.length > 0 && {
      ...(isUnclip
        ? { class_embed_type: "projection" }
        : { addition_embed_type: "text_time", addition_time_embed_dim: 256 }),
      projection_class_embeddings_input_dim: label[1],
    }),
    ...(condition.length > 0 && { time_cond_proj_dim: condition[1] }),
  };
}

/** One number per level if all its layers agree, as in published configs; lists if they differ. */
function describeTransformers(down: readonly Level[], up: readonly Level[], middle: number | undefined) {
  const simple = down.map(({ transformers }) => transformers[0] || 1);
  const same = (levels: readonly Level[], counts: readonly number[]) =>
    levels.every(({ transformers }, i) => transformers.every((count) => count === 0 || count === counts[i]));
  const isSimple =
    same(down, simple) &&
    same(up, [...simple].reverse()) &&
    (middle === undefined || middle === simple.at(-1));
  if (isSimple) return { transformer_layers_per_block: simple };
  // The last level's first number also applies to the middle block.
  return {
    transformer_layers_per_block: down.map(({ transformers }) => transformers),
    reverse_transformer_layers_per_block: up.map(({ transformers }) => transformers),
  };
}
