import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readAutoencoderKlConfig } from "../../models/autoencoder-kl-config.js";
import { readClipTextConfig } from "../../models/clip-text-config.js";
import { readConditionalUnetConfig } from "../../models/conditional-unet-config.js";
import { readSingleFile } from "./read.js";
import type { Place } from "./tensors.js";

// Every tensor of the published sizes, checked with diffusers' converters; see tests/golden/scripts/single_file.py.
interface Family {
  readonly unet: Record<string, unknown>;
  readonly vaeScale: number;
  readonly texts: readonly Record<string, unknown>[];
  readonly tensors: readonly (readonly [key: string, shape: number[], part: string, names: string[]])[];
}
const golden: { families: Record<string, Family> } = JSON.parse(
  gunzipSync(readFileSync("tests/golden/single-file-names.json.gz")).toString("utf8"),
);
const families = golden.families;

/** Tensors laid one after another, as in a file. */
function layOut(
  tensors: readonly (readonly [string, readonly number[], ...unknown[]])[],
): Map<string, Place> {
  let offset = 8;
  return new Map(
    tensors.map(([name, shape]) => {
      const length = 2 * shape.reduce((a, b) => a * b, 1);
      const place: Place = { dtype: "f16", shape, file: "/models/one.safetensors", offset, length };
      offset += length;
      return [name, place];
    }),
  );
}

const reading = (tensors: Parameters<typeof layOut>[0], steps?: number) =>
  readSingleFile(layOut(tensors), "one.safetensors", { steps });

describe.each(Object.entries(families))("a whole checkpoint (%s)", (name, family) => {
  const read = reading(family.tensors);
  const places = layOut(family.tensors);
  const parts = { unet: read.unet, vae: read.vae, text0: read.textEncoders[0]!, text1: read.textEncoders[1] };

  it("is told from its tensors", () => {
    expect(read.family).toBe(name === "inpaint" ? "sd1" : name);
    expect(read.unknown).toEqual([]);
    expect(readConditionalUnetConfig(read.unet.config)).toEqual(readConditionalUnetConfig(family.unet));
    const widths = { block_out_channels: [128, 256, 512, 512], layers_per_block: 2 };
    expect(readAutoencoderKlConfig(read.vae!.config)).toEqual(
      readAutoencoderKlConfig({ ...widths, scaling_factor: family.vaeScale }),
    );
    const texts = family.texts.map((text) =>
      readClipTextConfig({
        architectures: ["projection_dim" in text ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
        ...text,
      }),
    );
    expect(read.textEncoders.map(({ config }) => readClipTextConfig(config))).toEqual(texts);
  });

  it("has every tensor of the networks, at its bytes", () => {
    for (const [part, found] of Object.entries(parts)) {
      const expected = family.tensors.filter(([, , of]) => of === part);
      expect([...(found?.weights.keys() ?? [])].sort()).toEqual(
        expected.flatMap(([, , , names]) => names).sort(),
      );
      for (const [key, shape, , names] of expected) {
        const whole = places.get(key)!;
        names.forEach((own, i) => {
          const place = found!.weights.get(own)!;
          const length = whole.length / names.length;
          expect({ name: own, offset: place.offset, length: place.length }).toEqual({
            name: own,
            offset: whole.offset + i * length,
            length,
          });
          if (key.endsWith("text_projection"))
            expect(place).toMatchObject({ transposed: true, shape: [...shape].reverse() });
          expect(2 * place.shape.reduce((a, b) => a * b, 1)).toBe(length);
        });
      }
    }
  });
});

describe("a checkpoint", () => {
  const { sd1, sd2, sdxl } = families as Record<"sd1" | "sd2" | "sdxl", Family>;

  it("may hold what is not needed, and what nobody knows is listed", () => {
    const more = [
      "model_ema.decay",
      "alphas_cumprod",
      "sqrt_recip_alphas_cumprod",
      "global_step",
      "strange.thing",
    ];
    const read = reading([...sd1.tensors, ...more.map((name) => [name, [1]] as const)]);
    expect(read.unknown).toEqual(["strange.thing"]);
  });

  it("says what it predicts, as far as it can be told", () => {
    const prediction = (family: Family, more: readonly string[] = [], steps?: number) =>
      reading([...family.tensors, ...more.map((name) => [name, [1]] as const)], steps).scheduler
        .prediction_type;
    expect(prediction(sd1)).toBe("epsilon");
    expect(prediction(sd2)).toBe("v_prediction");
    expect(prediction(sd2, [], 875_000)).toBe("epsilon");
    const widened = sd2.tensors.map(([name, shape, part, names]) => {
      const isFirst = name === "model.diffusion_model.input_blocks.0.0.weight";
      return [name, isFirst ? [320, 9, 3, 3] : shape, part, names] as const;
    });
    const inpainting = reading(widened as unknown as Family["tensors"]);
    expect(inpainting.scheduler.prediction_type).toBe("epsilon");
    expect(inpainting.unet.config.sample_size).toBe(64);
    expect(prediction(sdxl)).toBe("epsilon");
    expect(prediction(sdxl, ["v_pred"])).toBe("v_prediction");
    expect(reading([...sdxl.tensors, ["ztsnr", [1]]]).scheduler.rescale_betas_zero_snr).toBe(true);
  });

  it("is believed what its metadata say", () => {
    const said = (family: Family, metadata: Record<string, string>) => {
      const { scheduler, unet } = readSingleFile(layOut(family.tensors), "one.safetensors", { metadata });
      return [scheduler.prediction_type, unet.config.sample_size];
    };
    expect(said(sd2, { "modelspec.architecture": "stable-diffusion-v2-512" })).toEqual(["epsilon", 64]);
    expect(said(sd2, { "modelspec.prediction_type": "epsilon" })).toEqual(["epsilon", 96]);
    expect(said(sd1, { "modelspec.prediction_type": "v" })).toEqual(["v_prediction", 64]);
    expect(said(sdxl, { "modelspec.prediction_type": "v" })).toEqual(["v_prediction", 128]);
  });

  it("that was distilled, by its name, comes with a hint", () => {
    const hints = (family: Family, path: string, title = "") =>
      readSingleFile(layOut(family.tensors), path, { metadata: { "modelspec.title": title } }).hints;
    expect(hints(sd2, "/models/sd_turbo.safetensors")).toEqual([
      'sd_turbo.safetensors is called "turbo", and a single file does not record how it was distilled: such models need few steps and ' +
        "little guidance, as in --steps 1 (to 4) --guidance 1 --sampler euler --schedule simple --prediction epsilon.",
    ]);
    expect(hints(sdxl, "a.safetensors", "SDXL Turbo")[0]).toMatch(/--sampler euler --schedule simple\.$/);
    expect(hints(sd1, "dreamshaper_lcm.safetensors")[0]).toMatch(
      /--steps 4 \(to 8\) --guidance 1 --sampler lcm\.$/,
    );
    expect(hints(sd1, "/turbo/calcmodel.safetensors")).toEqual([]);
  });

  it("of 2.x may have the text encoder's layers with or without the last, which is not used", () => {
    const last = "cond_stage_model.model.transformer.resblocks.23.";
    const without = reading(sd2.tensors.filter(([name]) => !name.startsWith(last)));
    const [found, usual] = [without, reading(sd2.tensors)].map(({ textEncoders }) => textEncoders[0]!);
    expect(found!.config).toEqual(usual!.config);
    expect([...found!.weights.keys()]).toEqual([...usual!.weights.keys()]);
  });

  it.each([
    [
      [["lora_unet_down_blocks_0.lora_down.weight", [4, 320]]],
      "it is a LoRA, which needs a model: load it with --lora",
    ],
    [[["model.diffusion_model.joint_blocks.0.x", [1]]], "it is Stable Diffusion 3"],
    [[["model.diffusion_model.double_blocks.0.img_attn.qkv.weight", [9, 3]]], "it is Flux"],
    [[["double_blocks.0.img_attn.qkv.weight", [9, 3]]], "it is Flux"],
    [[...sdxl.tensors, ["edm_mean", [1]]], "it is Playground 2.5"],
    [[...sdxl.tensors, ["edm_vpred.sigma_max", [1]]], "it is CosXL"],
    [
      [...sd2.tensors, ["model.diffusion_model.label_emb.0.0.weight", [1280, 2048]]],
      "(unCLIP without its image encoder, upscaling)",
    ],
    [[["input_blocks.0.0.weight", [320, 4, 3, 3]]], "it is a denoiser alone"],
    [[["encoder.down.0.block.0.conv1.weight", [8, 8, 3, 3]]], "it is an autoencoder alone"],
    [[["joint_blocks.0.context_block", [1]]], "it is Stable Diffusion 3"],
    [[], "one.safetensors cannot be used: it is empty. "],
    [[["emb_params", [2, 768]]], "it is a textual inversion: load it with --embedding"],
    [[["something.weight", [1]]], 'its tensors ("something.weight") belong to no known model'],
    [sd1.tensors.filter(([, , part]) => part !== "vae"), "its autoencoder is missing or incomplete"],
    [sd1.tensors.filter(([, , part]) => part !== "text0"), "it has a denoiser but no text encoder"],
    [
      [
        ...sd1.tensors.filter(([, , part]) => part === "unet"),
        ["conditioner.embedders.0.model.ln_final.weight", [1280]],
      ],
      "it is the refiner of XL",
    ],
  ] as const)("that is none of these is refused with what was found (%#)", (tensors, message) => {
    expect(() => reading(tensors as never)).toThrow(
      expect.objectContaining({ code: "checkpoint", message: expect.stringContaining(message) }),
    );
  });
});
