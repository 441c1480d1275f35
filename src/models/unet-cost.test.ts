// The count of multiplications against published ones.
import { expect, it } from "vitest";
import { countMultiplications, trace } from "../graph/index.js";
import { conditionalUnet } from "./conditional-unet.js";
import { readConditionalUnetConfig } from "./conditional-unet-config.js";

/** Both products of the attention of `queries` to `keys`, `width` channels in all. */
const attention = (queries: number, keys: number, width: number) => 2 * queries * keys * width;

// BK-SDM (Kim et al. 2023, arXiv:2305.15798, table 1) reports 339 billion, from a tool that counts layers and leaves out the
// products inside attention.
it("counts the multiplications of Stable Diffusion 1.x's U-Net as published, and those inside attention", () => {
  const config = readConditionalUnetConfig({
    _class_name: "UNet2DConditionModel",
    sample_size: 64,
    in_channels: 4,
    out_channels: 4,
    block_out_channels: [320, 640, 1280, 1280],
    layers_per_block: 2,
    attention_head_dim: 8,
    cross_attention_dim: 768,
    down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  });
  const program = trace((t) => ({
    prediction: conditionalUnet(t.scope(), config, {
      sample: t.input("sample", ["batch", 4, "height", "width"]),
      timestep: t.input("timestep", ["batch"]),
      encoderStates: t.input("states", ["batch", "tokens", 768]),
    }),
  }));
  const sizes = { batch: 1, height: 64, width: 64, tokens: 77 };
  const all = countMultiplications(program, sizes);
  // Five transformers at each of the three upper sizes, and one in the middle, with self- and cross-attention.
  const levels = [
    [5, 64, 320],
    [5, 32, 640],
    [5, 16, 1280],
    [1, 8, 1280],
  ] as const;
  const inside = levels.reduce((sum, [blocks, side, width]) => {
    const positions = side * side;
    return sum + blocks * (attention(positions, positions, width) + attention(positions, 77, width));
  }, 0);
  expect((all - inside) / 1e9).toBeCloseTo(339, 0);
  expect(countMultiplications(program, { ...sizes, batch: 2 })).toBe(2 * all);
});
