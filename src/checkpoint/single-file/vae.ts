// The autoencoder of single-file checkpoints (ldm/modules/diffusionmodules/model.py): the same blocks as in
// diffusers, but decoder levels are numbered from the largest resolution.
import type { CheckpointTensors, Place, Renamed } from "./tensors.js";

const parts: readonly (readonly [RegExp, string])[] = [
  [/^mid\.block_1\./, "mid_block.resnets.0."],
  [/^mid\.block_2\./, "mid_block.resnets.1."],
  [/^mid\.attn_1\.norm\./, "mid_block.attentions.0.group_norm."],
  [/^mid\.attn_1\.q\./, "mid_block.attentions.0.to_q."],
  [/^mid\.attn_1\.k\./, "mid_block.attentions.0.to_k."],
  [/^mid\.attn_1\.v\./, "mid_block.attentions.0.to_v."],
  [/^mid\.attn_1\.proj_out\./, "mid_block.attentions.0.to_out.0."],
  [/^norm_out\./, "conv_norm_out."],
  [/^conv_(in|out)\./, "conv_$1."],
  [/^down\.(\d+)\.block\.(\d+)\./, "down_blocks.$1.resnets.$2."],
  [/^down\.(\d+)\.downsample\.conv\./, "down_blocks.$1.downsamplers.0.conv."],
];

function insideName(name: string, levels: number): string | undefined {
  const up = /^up\.(\d+)\.(?:block\.(\d+)|upsample\.(conv))\.(.+)$/.exec(name);
  if (up) {
    const at = `up_blocks.${levels - 1 - Number(up[1])}`;
    const inside = up[4]!.replace("nin_shortcut", "conv_shortcut");
    return up[2] === undefined ? `${at}.upsamplers.0.conv.${inside}` : `${at}.resnets.${up[2]}.${inside}`;
  }
  const matchingPart = parts.find(([pattern]) => pattern.test(name));
  return (
    matchingPart && name.replace(matchingPart[0], matchingPart[1]).replace("nin_shortcut", "conv_shortcut")
  );
}

/** Gets the scaling factor of a family's latents; weight files do not record it. */
export function scalingFactorOf(family: "sd1" | "sd2" | "sdxl"): number {
  return family === "sdxl" ? 0.13025 : 0.18215;
}

/**
 * Reads the autoencoder.
 * @param scalingFactor See {@link scalingFactorOf}.
 * @param root Prefix of the names; empty in autoencoder-only files.
 */
export function readVae(
  tensors: CheckpointTensors,
  scalingFactor: number,
  root = "first_stage_model.",
): { readonly config: Readonly<Record<string, unknown>>; readonly tensors: Renamed } {
  const levels = tensors.count(`${root}encoder.down.`, ".block.0.conv1.weight");
  const renamed: [string, Place][] = [];
  for (const name of tensors.under(root)) {
    const [, half, inside] = /^(encoder|decoder)\.(.+)$/.exec(name) ?? [];
    const next = half === undefined ? isQuant(name) : prefixed(half, insideName(inside!, levels));
    if (next) renamed.push([next, matrix(next, tensors.take(root + name))]);
  }
  const widths = Array.from(
    { length: levels },
    (_, i) => tensors.shape(`${root}encoder.down.${i}.block.0.conv1.weight`)[0]!,
  );
  const config = {
    _class_name: "AutoencoderKL",
    in_channels: tensors.shape(`${root}encoder.conv_in.weight`)[1],
    out_channels: tensors.shape(`${root}decoder.conv_out.weight`)[0],
    latent_channels: tensors.shape(`${root}decoder.conv_in.weight`)[1],
    block_out_channels: widths,
    layers_per_block: tensors.count(`${root}encoder.down.0.block.`, ".conv1.weight"),
    use_quant_conv: tensors.has(`${root}quant_conv.weight`),
    use_post_quant_conv: tensors.has(`${root}post_quant_conv.weight`),
    scaling_factor: scalingFactor,
  };
  return { config, tensors: renamed };
}

const isQuant = (name: string) => (/^(post_)?quant_conv\.(weight|bias)$/.test(name) ? name : undefined);
const prefixed = (half: string, inside: string | undefined) => inside && `${half}.${inside}`;

/** Attention matrices are stored as 1×1 convolutions, with the same numbers in the same order. */
function matrix(name: string, place: Place): Place {
  const isMap = /\.to_(q|k|v|out\.0)\.weight$/.test(name);
  return isMap && place.shape.length === 4 ? { ...place, shape: place.shape.slice(0, 2) } : place;
}
