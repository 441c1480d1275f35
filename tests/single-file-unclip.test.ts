// Stable unCLIP in one file, as Stability published it and as others have merged it: what it draws is what the folder draws.
// Names of its image encoder are OpenCLIP's (open_clip/model.py), those of the statistics Stability's noise augmentation's.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors, type TensorSource, writeSafetensors } from "../src/checkpoint/node.js";
import { loadPipeline, openModel, readInputImage } from "../src/index.js";
import { describeModel } from "../src/pipeline/node.js";
import { random } from "../src/random/index.js";
import { writeBothLayouts } from "./support/published-layouts.js";

const picture = fileURLToPath(new URL("./golden/pipelines/picture.png", import.meta.url));
const [width, inside, projection, patch, states, layers, time] = [64, 128, 64, 14, 5, 2, 128];

/** A tensor under its name in the file and its names in the folder, with the same numbers. */
interface Both {
  readonly file: string;
  readonly names: readonly string[];
  readonly shape: number[];
  /** Stored for multiplication from the right in the file. */
  readonly isTransposed?: boolean;
}

function listEncoder(): Both[] {
  const visual = "embedder.model.visual.";
  const norm = (file: string, name: string): Both[] =>
    ["weight", "bias"].map((field) => ({
      file: `${visual}${file}.${field}`,
      names: [`vision_model.${name}.${field}`],
      shape: [width],
    }));
  const dense = (file: string, names: readonly string[], shape: number[]): Both[] => [
    { file: `${file}weight`, names: names.map((name) => `${name}.weight`), shape },
    { file: `${file}bias`, names: names.map((name) => `${name}.bias`), shape: shape.slice(0, 1) },
  ];
  const layer = (i: number): Both[] => {
    const [from, to] = [`transformer.resblocks.${i}`, `encoder.layers.${i}`];
    const at = `vision_model.${to}`;
    return [
      ...norm(`${from}.ln_1`, `${to}.layer_norm1`),
      ...norm(`${from}.ln_2`, `${to}.layer_norm2`),
      ...dense(
        `${visual}${from}.attn.in_proj_`,
        ["q", "k", "v"].map((part) => `${at}.self_attn.${part}_proj`),
        [3 * width, width],
      ),
      ...dense(`${visual}${from}.attn.out_proj.`, [`${at}.self_attn.out_proj`], [width, width]),
      ...dense(`${visual}${from}.mlp.c_fc.`, [`${at}.mlp.fc1`], [inside, width]),
      ...dense(`${visual}${from}.mlp.c_proj.`, [`${at}.mlp.fc2`], [width, inside]),
    ];
  };
  const embeddings = "vision_model.embeddings";
  return [
    { file: `${visual}class_embedding`, names: [`${embeddings}.class_embedding`], shape: [width] },
    {
      file: `${visual}positional_embedding`,
      names: [`${embeddings}.position_embedding.weight`],
      shape: [states, width],
    },
    {
      file: `${visual}conv1.weight`,
      names: [`${embeddings}.patch_embedding.weight`],
      shape: [width, 3, patch, patch],
    },
    ...norm("ln_pre", "pre_layrnorm"),
    ...norm("ln_post", "post_layernorm"),
    {
      ...{ file: `${visual}proj`, names: ["visual_projection.weight"] },
      ...{ shape: [width, projection], isTransposed: true },
    },
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
  ];
}

const denoiser: Both[] = ["0", "2"].flatMap((part, i) =>
  ["weight", "bias"].map((field) => ({
    file: `model.diffusion_model.label_emb.0.${part}.${field}`,
    names: [`class_embedding.linear_${i + 1}.${field}`],
    shape: field === "bias" ? [time] : [time, i === 0 ? 2 * projection : time],
  })),
);
const statistics: Both[] = ["mean", "std"].map((name) => ({
  file: `noise_augmentor.data_${name}`,
  names: [name],
  shape: [1, projection],
}));

const transpose = (data: Float32Array, rows: number) => {
  const columns = data.length / rows;
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
};

/** Random tensors in both layouts. */
function fill(both: readonly Both[]): { file: TensorSource[]; folder: TensorSource[] } {
  const file: TensorSource[] = [];
  const folder: TensorSource[] = [];
  for (const { file: name, names, shape, isTransposed } of both) {
    const size = shape.reduce((a, b) => a * b, 1);
    const isNorm = /(norm|ln_)\w*\.weight$|data_std/.test(name);
    const scale = shape.length > 1 && !isNorm ? Math.sqrt(shape[0]! / size) : 0.1;
    const data = random(3, name)
      .normals(size)
      .map((value) => (isNorm ? 1 : 0) + scale * value);
    file.push({ name, dtype: "f32", shape, data });
    names.forEach((one, i) => {
      const length = size / names.length;
      const part = data.slice(i * length, (i + 1) * length);
      folder.push({
        ...{ name: one, dtype: "f32" },
        shape: isTransposed ? [...shape].reverse() : [shape[0]! / names.length, ...shape.slice(1)],
        data: isTransposed ? transpose(part, shape[0]!) : part,
      });
    });
  }
  return { file, folder };
}

/** Writes a file's tensors again, with more. */
async function addTensors(path: string, more: readonly TensorSource[], to = path): Promise<void> {
  const { tensors } = await openSafetensors(path);
  const source = await openSafetensors(path);
  const kept: TensorSource[] = [];
  for (const { name, shape } of tensors.values())
    kept.push({ name, dtype: "f32", shape: [...shape], data: await source.readFloat32(name) });
  await writeSafetensors(to, [...kept, ...more]);
}

let root: string;
let paths: { file: string; folder: string };
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-single-unclip-"));
  paths = await writeBothLayouts("sd2", root);
  const [encoder, unet, normalizer] = [listEncoder(), denoiser, statistics].map(fill) as [
    ReturnType<typeof fill>,
    ReturnType<typeof fill>,
    ReturnType<typeof fill>,
  ];
  // The text half of the encoder's CLIP, and a schedule, are there and not used.
  const unused = ["embedder.model.ln_final.weight", "noise_augmentor.betas"].map(
    (name): TensorSource => ({ name, dtype: "f32", shape: [4], data: new Float32Array(4) }),
  );
  await addTensors(paths.file, [...encoder.file, ...unet.file, ...normalizer.file, ...unused]);
  const at = (...names: string[]) => join(paths.folder, ...names);
  await addTensors(at("unet", "model.safetensors"), unet.folder);
  for (const name of ["image_encoder", "image_normalizer", "image_noising_scheduler"]) await mkdir(at(name));
  await writeSafetensors(at("image_encoder", "model.safetensors"), encoder.folder);
  await writeSafetensors(at("image_normalizer", "model.safetensors"), normalizer.folder);
  const json = (place: string, content: unknown) => writeFile(place, JSON.stringify(content));
  const edit = async (place: string, more: object) =>
    json(place, { ...JSON.parse(await readFile(place, "utf8")), ...more });
  await json(at("image_encoder", "config.json"), {
    ...{ architectures: ["CLIPVisionModelWithProjection"], hidden_act: "quick_gelu" },
    ...{ hidden_size: width, intermediate_size: inside, num_hidden_layers: layers, num_attention_heads: 1 },
    ...{ patch_size: patch, image_size: 2 * patch, projection_dim: projection },
  });
  await json(at("image_noising_scheduler", "scheduler_config.json"), {
    ...{ _class_name: "DDPMScheduler", beta_schedule: "squaredcos_cap_v2" },
  });
  await edit(at("unet", "config.json"), {
    ...{ class_embed_type: "projection", projection_class_embeddings_input_dim: 2 * projection },
  });
  await edit(at("model_index.json"), {
    _class_name: "StableUnCLIPImg2ImgPipeline",
    image_encoder: ["transformers", "CLIPVisionModelWithProjection"],
    image_normalizer: ["stable_diffusion", "StableUnCLIPImageNormalizer"],
    image_noising_scheduler: ["diffusers", "DDPMScheduler"],
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("Stable unCLIP in one file", () => {
  it("draws what its folder draws, with the same defaults", async () => {
    const image = await readInputImage(picture);
    const draw = async (model: string) => {
      const pipeline = await loadPipeline({ model, threads: 1 });
      const request = {
        ...{ prompt: "a cat", negativePrompt: "dog", steps: 2, size: "64x64", seed: 3 },
        imagePrompt: { images: [image], noiseLevel: 30 },
      };
      try {
        for await (const event of pipeline.generate(request)) if (event.kind === "image") return event.pixels;
        return undefined;
      } finally {
        await pipeline.dispose();
      }
    };
    expect(await draw(paths.file)).toEqual(await draw(paths.folder));
    const [one, folder] = [await openModel({ model: paths.file }), await openModel({ model: paths.folder })];
    expect(one.context.defaults).toEqual(folder.context.defaults);
    expect(one.context.takes).toEqual(folder.context.takes);
  });

  it("is described, and has no tensors that are not known", async () => {
    const { what, description } = await describeModel(paths.file);
    expect(what).toBe("Stable unCLIP 2.1");
    expect(description.values?.unknown).toBeUndefined();
  });
});
