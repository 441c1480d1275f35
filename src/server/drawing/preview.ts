// Previews of steps: small WebP images, as many as drawing can afford.
import { encodeWebp } from "../../image/node.js";
import type { Pixels, StepEvent } from "../../pipeline/index.js";
import { getPartialSteps } from "../partial-steps.js";

/** Longer side of a preview in pixels. */
const previewSide = 256;
/** Quality of small previews, and of those in full size that stand for the image. */
const smallQuality = 70;
const fullQuality = 90;
/** Share of the drawing time that previews may take, once they are noticed. */
const share = 1 / 3;
/** Milliseconds that a preview may always take: models whose previews are that quick show every step. */
const free = 300;

/** Decides after which steps a preview is worth its time. */
export class PreviewPace {
  readonly #showsAll: boolean;
  #stepBegan: number | undefined;
  /** Milliseconds that previews have left of their share. */
  #credit = 0;
  /** Milliseconds that the newest preview took. */
  #cost = 0;

  /** @param showsAll Makes a preview of every step, however long it takes: for the embedded model, whose images are small. */
  constructor(showsAll = false) {
    this.#showsAll = showsAll;
  }

  /**
   * Makes a step's preview, unless previews have had their share of the time.
   * @param full A preview in full size, made in any case.
   */
  async make(event: StepEvent, full = false): Promise<Uint8Array | undefined> {
    if (!event.hasPreview) return undefined;
    const now = performance.now();
    if (this.#stepBegan !== undefined) this.#credit += (now - this.#stepBegan) * share;
    this.#stepBegan = now;
    // The finished image follows the last step at once.
    const isWorthIt = event.step < event.steps && this.#credit >= this.#cost;
    if (this.#cost > free && !isWorthIt && !full && !this.#showsAll) return undefined;
    const preview = await encodePreview(await event.preview(), full);
    this.#stepBegan = performance.now();
    this.#cost = this.#stepBegan - now;
    this.#credit = Math.max(0, this.#credit - this.#cost);
    return preview;
  }
}

const encodePreview = ({ width, height, data }: Pixels, full: boolean): Promise<Uint8Array> =>
  encodeWebp(
    { width, height, channels: 3, data },
    full ? { quality: fullQuality } : { side: previewSide, quality: smallQuality },
  );

/** Tells which previews a client asked for in full size: those of evenly spread steps of each image's first diffusion that shows any. */
export class PartialImages {
  readonly #count: number;
  #index = -1;
  #stage = "";

  constructor(count: number) {
    this.#count = count;
  }

  /** The number of the partial image that a step shows, from 0; undefined if it shows none. */
  get({ index, stage, step, steps, hasPreview }: StepEvent): number | undefined {
    if (!hasPreview) return undefined;
    if (index !== this.#index) {
      this.#index = index;
      this.#stage = stage;
    }
    if (stage !== this.#stage) return undefined;
    const number = getPartialSteps(steps, this.#count).indexOf(step);
    return number < 0 ? undefined : number;
  }
}
