// Previews of steps: small WebP images, as many as drawing can afford.
import { encodeWebp } from "../../image/node.js";
import type { Pixels, StepEvent } from "../../pipeline/index.js";

/** Longer side of a preview in pixels. */
const previewSide = 256;
/** Share of the drawing time that previews may take, once they are noticed. */
const share = 1 / 3;
/** Milliseconds that a preview may always take: models whose previews are that quick show every step. */
const free = 300;

/** Decides after which steps a preview is worth its time. */
export class PreviewPace {
  #stepBegan: number | undefined;
  /** Milliseconds that previews have left of their share. */
  #credit = 0;
  /** Milliseconds that the newest preview took. */
  #cost = 0;

  /** Makes a step's preview, unless previews have had their share of the time. */
  async make(event: StepEvent): Promise<Uint8Array | undefined> {
    const now = performance.now();
    if (this.#stepBegan !== undefined) this.#credit += (now - this.#stepBegan) * share;
    this.#stepBegan = now;
    // The finished image follows the last step at once.
    const isWorthIt = event.step < event.steps && this.#credit >= this.#cost;
    if (this.#cost > free && !isWorthIt) return undefined;
    const preview = await encodePreview(await event.preview());
    this.#stepBegan = performance.now();
    this.#cost = this.#stepBegan - now;
    this.#credit = Math.max(0, this.#credit - this.#cost);
    return preview;
  }
}

const encodePreview = ({ width, height, data }: Pixels): Promise<Uint8Array> =>
  encodeWebp({ width, height, channels: 3, data }, { side: previewSide, quality: 70 });
