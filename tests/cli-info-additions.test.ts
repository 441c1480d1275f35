// nishiki info of LoRAs and textual inversions, in the dialects that are published.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEmbedding, openLora, openSafetensors, writeSafetensors } from "../src/checkpoint/node.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/lora/${name}`, import.meta.url));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-info-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Shapes = Readonly<Record<string, readonly number[]>>;

async function write(name: string, shapes: Shapes, metadata?: Record<string, string>): Promise<string> {
  const tensors = Object.entries(shapes).map(([tensor, shape]) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return { name: tensor, dtype: "f32" as const, shape: [...shape], data: new Float32Array(size).fill(2) };
  });
  const path = join(root, name);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

async function info(
  path: string,
): Promise<{ title: string; values: Record<string, string>; parts?: unknown }> {
  const { code, stdout, stderr } = await runHere(["info", path, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** The two matrices of a layer. */
const pair = (
  layer: string,
  rank: number,
  inner: number,
  [down, up]: readonly [string, string] = ["lora_down", "lora_up"],
): Shapes => ({
  [`${layer}.${down}.weight`]: [rank, inner],
  [`${layer}.${up}.weight`]: [320, rank],
});
const peft = ["lora_A", "lora_B"] as const;
const block = "down_blocks.1.attentions.0.transformer_blocks.0";
const kohyaBlock = `lora_unet_${block.replaceAll(".", "_")}`;

describe("nishiki info of a LoRA", () => {
  it.each<[string, Shapes, object]>([
    [
      "kohya",
      { ...pair(`${kohyaBlock}_attn2_to_k`, 4, 768), [`${kohyaBlock}_attn2_to_k.alpha`]: [1] },
      { fits: "Stable Diffusion 1.x", names: "kohya", rank: "4", "alpha/rank": "0.5" },
    ],
    [
      "words",
      pair("lora_te_text_model_encoder_layers_3_self_attn_q_proj", 8, 1024),
      { fits: "Stable Diffusion 2.x", layers: "1 (1 of the text encoder)", rank: "8", "alpha/rank": "1" },
    ],
    [
      "xl",
      {
        ...pair("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", 2, 640),
        ...pair("lora_te1_text_model_encoder_layers_3_mlp_fc1", 16, 768),
      },
      {
        fits: "Stable Diffusion XL",
        names: "kohya, single-file names",
        layers: "2 (1 of the text encoder, 1 of the denoiser)",
        rank: "2 to 16",
      },
    ],
    [
      "diffusers",
      { ...pair(`unet.${block}.attn2.to_v`, 4, 2048, peft), strange: [1] },
      {
        fits: "Stable Diffusion XL",
        names: "diffusers",
        unknown: '1 tensors are not known; without --lora-partial it is refused: "strange"',
      },
    ],
    [
      "first",
      pair(`unet.${block}.attn2.processor.to_k_lora`, 4, 1024, ["down", "up"]),
      { fits: "Stable Diffusion 2.x", names: "early diffusers" },
    ],
    [
      "flux",
      pair("lora_unet_double_blocks_0_img_attn_proj", 4, 3072),
      { fits: expect.stringMatching(/^Flux/) },
    ],
  ])("%s", async (name, shapes, values) => {
    const path = await write(`${name}.safetensors`, shapes);
    const found = await info(path);
    expect(found.title).toBe(`${path}: LoRA`);
    expect(found.values).toMatchObject({ use: `--lora ${name}.safetensors:1`, ...values });
    expect(found.parts).toBeUndefined();
  });

  it("tells what trainers wrote down", async () => {
    const tags = { "10_cat": { "a cat": 30, " blue": 7 }, "2_dog": { blue: 5 } };
    const path = await write("noted.safetensors", pair(`${kohyaBlock}_attn2_to_k`, 4, 768), {
      ss_output_name: "my cat",
      ss_sd_model_name: "v1-5.safetensors",
      "modelspec.trigger_phrase": "mycat",
      ss_tag_frequency: JSON.stringify(tags),
      ss_unheard_of: "long",
    });
    expect((await info(path)).parts).toEqual([
      {
        title: "What it says of itself",
        values: {
          title: "my cat",
          "trigger words": "mycat",
          "trained on": "v1-5.safetensors",
          "frequent words": "a cat (30), blue (12)",
        },
      },
    ]);
    const broken = await write("broken.safetensors", pair("lora_unet_x", 4, 8), { ss_tag_frequency: "{" });
    expect((await info(broken)).parts).toBeUndefined();
  });

  it("reads peft's folders, and what diffusers made for a tiny model", async () => {
    await write("adapter_model.safetensors", pair(`base_model.model.${block}.attn2.to_k`, 4, 768, peft));
    await writeFile(join(root, "adapter_config.json"), JSON.stringify({ r: 4, lora_alpha: 8 }));
    expect((await info(root)).values).toMatchObject({ names: "peft", "alpha/rank": "2" });
    const found = await info(golden("kohya.safetensors"));
    expect(found.values).toMatchObject({
      layers: "70 (18 of the text encoder, 52 of the denoiser)",
      rank: "2",
    });
    expect(found.values.fits).toBe("not told by its names and shapes");
  });

  it("names kinds that are not read, and halves", async () => {
    const loha = await write("loha.safetensors", { "lora_unet_x.hada_w1_a": [4, 4] });
    expect((await runHere(["info", loha])).stderr).toMatch(
      /^loha\.safetensors is incomplete: layer "lora_unet_x" has only its hada1a part/,
    );
    const half = await write("half.safetensors", { "lora_unet_x.lora_up.weight": [4, 4] });
    expect((await runHere(["info", half])).stderr).toMatch(/layer "lora_unet_x" has only its up part\.\n$/);
  });
});

describe("damaged files", () => {
  const save = async (
    name: string,
    tensors: Readonly<Record<string, readonly number[]>>,
  ): Promise<string> => {
    const path = join(root, name);
    const list = Object.entries(tensors).map(([tensor, data]) => {
      const shape = tensor.endsWith(".alpha") ? [data.length] : [1, data.length];
      return { name: tensor, dtype: "f32" as const, shape, data: Float32Array.from(data) };
    });
    await writeSafetensors(path, list);
    return path;
  };
  it.each<[string, Readonly<Record<string, readonly number[]>>, RegExp]>([
    [
      "nan",
      { "x.lora_down.weight": [1, Number.NaN], "x.lora_up.weight": [1] },
      /is damaged: layer "x" has non-finite numbers/,
    ],
    [
      "alpha",
      { "x.lora_down.weight": [1, 2], "x.lora_up.weight": [1], "x.alpha": [] },
      /is damaged: layer "x" has non-finite numbers, or none\. Download it again\.$/,
    ],
    ["nothing", {}, /^nothing\.safetensors is not a LoRA: it holds nothing\.$/],
  ])("are told by name: a LoRA (%s)", async (name, tensors, sentence) => {
    const path = await save(`${name}.safetensors`, tensors);
    await expect(openLora(path)).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(sentence),
    });
  });

  it("are told by name: a textual inversion", async () => {
    const path = await save("word.safetensors", { emb_params: [1, Number.POSITIVE_INFINITY] });
    await expect(openEmbedding(path)).rejects.toThrow(
      /word\.safetensors is damaged: "emb_params" has non-finite numbers/,
    );
  });
});

describe("nishiki info of a textual inversion", () => {
  it.each<[string, Shapes, object]>([
    [
      "one",
      { emb_params: [3, 768] },
      { word: '"one", to be written in prompts', fits: "Stable Diffusion 1.x", width: "768" },
    ],
    [
      "single",
      { "<cat>": [1024] },
      { word: '"<cat>", to be written in prompts', fits: "Stable Diffusion 2.x" },
    ],
    ["both", { clip_l: [2, 768], clip_g: [2, 1280] }, { fits: "Stable Diffusion XL", width: "768 and 1280" }],
  ])("%s", async (name, shapes, values) => {
    const path = await write(`${name}.safetensors`, shapes);
    const found = await info(path);
    expect(found.title).toBe(`${path}: textual inversion`);
    expect(found.values).toMatchObject({ use: `--embedding ${name}.safetensors`, ...values });
    expect(found.values.vectors).toMatch(
      name === "single" ? /^1: the word counts as 1 token$/ : /^[23]: .* [23] tokens$/,
    );
  });

  it("is not any file with one tensor", async () => {
    const path = await write("weights.safetensors", { table: [3, 5] });
    expect((await info(path)).title).toBe(`${path}: safetensors`);
    expect((await openSafetensors(path)).tensors.size).toBe(1);
  });
});
