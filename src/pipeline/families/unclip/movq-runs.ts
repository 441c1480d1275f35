// MoVQ at work for one request: from pixels to latents and back; and the init image in latents, for denoisers that see what
// of it is kept (diffusers' KandinskyV22InpaintPipeline).
import { type AddedKvUnetConfig, getMovqScale, type MovqConfig } from "../../../models/index.js";
import { resizeMask } from "../../mask.js";
import type { Pixels } from "../../pixels.js";
import type { ImageEncoder } from "../../plan.js";
import { fromPlanes, toPlanes } from "../../planes.js";
import { f32, floats } from "../../tensors.js";
import type { Networks } from "./networks.js";

/** Height and width of latents. */
export interface Area {
  readonly height: number;
  readonly width: number;
}

/**
 * Grows the cells that are redrawn by one: each takes its neighbours along, but for two of the diagonal ones, as in the
 * reference.
 */
export function growCells(cells: Float32Array, { height, width }: Area): Float32Array {
  const grown = cells.slice();
  const near = [
    [-1, 0],
    [0, -1],
    [-1, -1],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const;
  cells.forEach((value, i) => {
    if (value === 0) return;
    const [row, column] = [Math.floor(i / width), i % width];
    for (const [down, right] of near) {
      const [y, x] = [row + down, column + right];
      if (y >= 0 && x >= 0 && y < height && x < width) grown[y * width + x] = 1;
    }
  });
  return grown;
}

export class MovqRuns {
  private readonly config: MovqConfig;
  private readonly networks: Networks;
  private readonly area: Area;
  private latents: Float32Array | undefined;
  private cells: Float32Array | undefined;

  constructor(config: MovqConfig, networks: Networks, area: Area) {
    this.config = config;
    this.networks = networks;
    this.area = area;
  }

  /** Height and width in pixels. */
  private get size() {
    const scale = getMovqScale(this.config);
    return { height: this.area.height * scale, width: this.area.width * scale };
  }

  async decode(values: Float32Array): Promise<Pixels> {
    const { height, width } = this.area;
    const latents = f32(values, 1, this.config.latentChannels, height, width);
    const outputs = await this.networks.use({ part: "decoder" }, (session) => session.run({ latents }));
    return fromPlanes(floats(outputs, "pixels"), this.size);
  }

  /** The encoder of init images. @param isInpainting Whether the denoiser sees the mask. */
  makeEncoder(isInpainting: boolean): ImageEncoder {
    const { height, width } = this.size;
    const { latentChannels } = this.config;
    return {
      takesMask: false, // the latents outside the mask are the image's, whatever the denoiser sees
      drawsForMasked: false,
      encode: async (values) => {
        const pixels = f32(toPlanes(values), 1, 3, height, width);
        const outputs = await this.networks.use({ part: "encoder" }, (session) => session.run({ pixels }));
        this.latents = floats(outputs, "latents");
        return this.latents;
      },
      resizeMask: (mask, rule) => {
        const plain = resizeMask(mask, this.size, this.area, rule);
        const cells = isInpainting ? growCells(plain, this.area) : plain;
        this.cells = cells;
        return Float32Array.from(
          { length: latentChannels * cells.length },
          (_, i) => cells[i % cells.length]!,
        );
      },
    };
  }

  /**
   * What an inpainting denoiser sees beside the latents: those of the image where it is kept, and 1 there. Without a mask,
   * nothing is kept.
   */
  getExtraChannels({ inChannels }: Pick<AddedKvUnetConfig, "inChannels">): Float32Array {
    const { latentChannels } = this.config;
    const size = this.area.height * this.area.width;
    const extra = new Float32Array((inChannels - latentChannels) * size);
    const { cells, latents } = this;
    if (extra.length === 0 || !cells || !latents) return extra;
    extra.set(latents.map((value, i) => value * (1 - cells[i % size]!)));
    extra.set(
      cells.map((cell) => 1 - cell),
      latentChannels * size,
    );
    return extra;
  }
}
