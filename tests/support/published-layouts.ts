// One model of Stable Diffusion in both layouts, a single file and a folder, with the same random numbers: names and shapes are
// those of the published models (tests/golden/scripts/single_file.py, checked there with diffusers' converters), made narrow and
// short. Nothing of src/checkpoint's translation is used.
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type TensorSource, writeSafetensors } from "../../src/checkpoint/node.js";
import { random } from "../../src/random/index.js";
import { clipVocabulary, parseMerges } from "../../src/tokenizer/clip-tokenizer.js";

type Json = Readonly<Record<string, unknown>>;
type Row = readonly [key: string, shape: number[], part: PartName, names: string[]];
type PartName = "unet" | "vae" | "text0" | "text1";

interface Family {
  readonly unet: Json & { readonly attention_head_dim: number | number[] };
  readonly vaeScale: number;
  readonly texts: readonly Json[];
  readonly tensors: readonly Row[];
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const { families } = JSON.parse(
  gunzipSync(readFileSync(join(root, "tests/golden/single-file-names.json.gz"))).toString("utf8"),
) as { readonly families: Readonly<Record<"sd1" | "sd2" | "sdxl", Family>> };

/** Widths of text encoders and their multiples. */
const textSizes: Readonly<Record<number, number>> = {
  ...{ 768: 64, 3072: 128, 2304: 192 },
  ...{ 1024: 64, 4096: 128 },
  ...{ 1280: 64, 5120: 128, 3840: 192 },
};
const ofTextVectors: Readonly<Record<number, number>> = { 768: 64, 1024: 64, 2048: 128, 2816: 64 + 6 * 256 };

/** A published size at a tenth (the denoiser), a quarter (the autoencoder), or as the tables say. */
function narrow(size: number, part: PartName, name: string): number {
  if (size < 16) return size;
  if (part === "vae") return size / 4;
  if (part === "unet") {
    const isOfText = /attn2\.to_[kv]\.weight|label_emb\.0\.0\.weight/.test(name) && size in ofTextVectors;
    return isOfText ? ofTextVectors[size]! : size / 10;
  }
  // In 3072 rows 2.x's queries, keys and values are joined; elsewhere it is a layer's inside.
  if (name.includes("in_proj")) return 64 * (size === 1024 || size === 768 || size === 1280 ? 1 : 3);
  return textSizes[size] ?? size;
}

const shorter = /\.(transformer_blocks|encoder\.layers|resblocks)\.([2-9]|\d\d)\./;

/** Numbers that keep signals at their size, whatever layer they are of. */
function fill(name: string, shape: readonly number[], pool: Float32Array, turn: number): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const isNorm = shape.length === 1 && name.endsWith("weight");
  const scale = shape.length === 1 ? 0.1 : Math.sqrt(shape[0]! / size);
  const data = new Float32Array(size);
  for (let from = 0, at = (turn * 7919) % pool.length; from < size; at = 0) {
    const piece = pool.subarray(at, Math.min(pool.length, at + size - from));
    data.set(piece, from);
    from += piece.length;
  }
  for (let i = 0; i < size; i++) data[i] = (isNorm ? 1 : 0) + scale * data[i]!;
  return data;
}

function transposed(data: Float32Array, rows: number): Float32Array {
  const columns = data.length / rows;
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
}

interface Layouts {
  readonly file: readonly TensorSource[];
  readonly parts: Readonly<Record<PartName, TensorSource[]>>;
}

function makeTensors({ tensors }: Family): Layouts {
  const pool = random(7, "weights").normals(100_003);
  const parts: Layouts["parts"] = { unet: [], vae: [], text0: [], text1: [] };
  const file: TensorSource[] = [];
  for (const [turn, [key, published, part, names]] of tensors.entries()) {
    // 2.x's last layer is not used and has no names; it stays, as the layer after those that are kept.
    if (shorter.test(key)) continue;
    const shape = published.map((size) => narrow(size, part, key));
    const data = fill(key, shape, pool, turn);
    file.push({ name: key, dtype: "f32", shape, data });
    names.forEach((name, i) => {
      const length = data.length / names.length;
      const own = data.subarray(i * length, (i + 1) * length);
      const isProjection = key.endsWith(".text_projection");
      const isMap = part === "vae" && name.includes(".to_") && shape.length === 4;
      const rows = [shape[0]! / names.length, ...shape.slice(1)];
      parts[part].push({
        name,
        dtype: "f32",
        shape: isProjection ? [...shape].reverse() : isMap ? rows.slice(0, 2) : rows,
        data: isProjection ? transposed(own, shape[0]!) : own,
      });
    });
  }
  return { file, parts };
}

const training = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
};
/** As the families are published. */
const schedulers: Readonly<Record<keyof typeof families, Json>> = {
  sd1: {
    ...training,
    ...{
      _class_name: "PNDMScheduler",
      steps_offset: 1,
      skip_prk_steps: true,
      set_alpha_to_one: false,
      clip_sample: false,
    },
  },
  sd2: {
    ...training,
    ...{ _class_name: "DDIMScheduler", prediction_type: "v_prediction" },
    ...{ steps_offset: 1, set_alpha_to_one: false, clip_sample: false },
  },
  sdxl: {
    ...training,
    ...{
      _class_name: "EulerDiscreteScheduler",
      prediction_type: "epsilon",
      timestep_spacing: "leading",
      steps_offset: 1,
    },
  },
};

/** Writes a tokenizer's folder with CLIP's own vocabulary. */
async function writeTokenizer(folder: string, padToken: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const merges = gunzipSync(readFileSync(join(root, "weights/clip-merges.txt.gz"))).toString("utf8");
  const { vocabulary } = clipVocabulary(parseMerges(merges));
  await writeFile(join(folder, "vocab.json"), JSON.stringify(vocabulary));
  await writeFile(join(folder, "merges.txt"), merges);
  await writeFile(join(folder, "special_tokens_map.json"), JSON.stringify({ pad_token: padToken }));
}

async function writePart(folder: string, config: Json, tensors: readonly TensorSource[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
}

/** Writes NAME.safetensors and the folder NAME below `folder`. */
export async function writeBothLayouts(
  family: keyof typeof families,
  folder: string,
): Promise<{ readonly file: string; readonly folder: string }> {
  const { unet, vaeScale, texts } = families[family];
  const { file, parts } = makeTensors(families[family]);
  const paths = { file: join(folder, `${family}.safetensors`), folder: join(folder, family) };
  await writeSafetensors(paths.file, file);
  const isXl = family === "sdxl";
  const heads = Array.isArray(unet.attention_head_dim)
    ? unet.attention_head_dim.map((count) => Math.max(1, Math.floor(count / 10)))
    : unet.attention_head_dim;
  await writePart(join(paths.folder, "unet"), {
    _class_name: "UNet2DConditionModel",
    ...unet,
    block_out_channels: (unet.block_out_channels as number[]).map((width) => width / 10),
    cross_attention_dim: 64 * texts.length,
    attention_head_dim: heads,
    ...(isXl && { transformer_layers_per_block: [1, 2, 2], projection_class_embeddings_input_dim: 64 + 6 * 256 }),
  }, parts.unet); // biome-ignore format: one table
  const sizes = ["Down", "Up"].map((way) =>
    Array.from({ length: 4 }, () => `${way}${way === "Up" ? "Decoder" : "Encoder"}Block2D`),
  );
  await writePart(
    join(paths.folder, "vae"),
    {
      ...{ _class_name: "AutoencoderKL", block_out_channels: [32, 64, 128, 128], layers_per_block: 2 },
      ...{ down_block_types: sizes[0], up_block_types: sizes[1], scaling_factor: vaeScale },
    },
    parts.vae,
  );
  const pads = { sd1: ["<|endoftext|>"], sd2: ["!"], sdxl: ["<|endoftext|>", "!"] }[family];
  const index: Record<string, unknown> = {
    _class_name: isXl ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline",
    ...{ unet: ["diffusers", "UNet2DConditionModel"], vae: ["diffusers", "AutoencoderKL"] },
    scheduler: ["diffusers", schedulers[family]._class_name],
  };
  for (const [i, text] of texts.entries()) {
    const kind = "projection_dim" in text ? "CLIPTextModelWithProjection" : "CLIPTextModel";
    const end = i === 0 ? "" : `_${i + 1}`;
    index[`text_encoder${end}`] = ["transformers", kind];
    index[`tokenizer${end}`] = ["transformers", "CLIPTokenizer"];
    await writePart(
      join(paths.folder, `text_encoder${end}`),
      {
        ...text,
        ...{
          architectures: [kind],
          hidden_size: 64,
          intermediate_size: 128,
          num_hidden_layers: 2,
          num_attention_heads: 1,
        },
        ...("projection_dim" in text && { projection_dim: 64 }),
      },
      i === 0 ? parts.text0 : parts.text1,
    );
    await writeTokenizer(join(paths.folder, `tokenizer${end}`), pads[i]!);
  }
  await mkdir(join(paths.folder, "scheduler"));
  await writeFile(join(paths.folder, "scheduler/scheduler_config.json"), JSON.stringify(schedulers[family]));
  await writeFile(join(paths.folder, "model_index.json"), JSON.stringify(index));
  return paths;
}
