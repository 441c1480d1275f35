// Draws a run's samples: fixed prompts at seed 0.
import type { Engine } from "../engine/index.js";
import { type CaptionedImage, contactSheet } from "../image/index.js";
import { renderSvg } from "../image/node.js";
import { type ImageRequest, Pipeline } from "../pipeline/index.js";
import { loadParts } from "../pipeline/node.js";

export interface DrawPromptsOptions {
  readonly model: string;
  readonly engine: Engine;
  readonly prompts: readonly string[];
  /** Settings that replace the model's defaults. */
  readonly request?: Omit<Partial<ImageRequest>, "prompt">;
  readonly lora?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Draws prompts at seed 0 with the model's defaults.
 * @throws NishikiError what drawing throws, "aborted"
 */
export async function drawImages(options: DrawPromptsOptions): Promise<CaptionedImage[]> {
  const { model, engine, prompts, request, lora, signal } = options;
  const { device, threads } = engine;
  const parts = await loadParts(
    { model, device, threads, ...(lora !== undefined && { lora: [lora] }) },
    signal ? { signal } : {},
  );
  const pipeline = new Pipeline(parts);
  const drawn: CaptionedImage[] = [];
  try {
    for (const prompt of prompts) {
      const events = pipeline.generate({ ...request, prompt, seed: 0 }, signal ? { signal } : {});
      for await (const event of events) {
        if (event.kind !== "image") continue;
        const { width, height, pixels: data } = event;
        drawn.push({ image: { width, height, channels: 3, data }, caption: prompt });
      }
    }
  } finally {
    await pipeline.dispose();
  }
  return drawn;
}

/** Lays out images in rows of four, each above its prompt. */
export const layOut = (drawn: readonly CaptionedImage[]) =>
  renderSvg(contactSheet(drawn, { columns: Math.min(4, drawn.length) }));
