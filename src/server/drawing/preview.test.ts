import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { getImageFormat } from "../../image/index.js";
import type { StepEvent } from "../../pipeline/index.js";
import { PreviewPace } from "./preview.js";

// The clock stands still, but for what the events say.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A diffusion whose steps and previews take this many milliseconds. @returns the steps that have a preview */
async function follow(pace: PreviewPace, steps: number, stepTime: number, previewTime: number) {
  const shown: number[] = [];
  for (let step = 1; step <= steps; step++) {
    vi.advanceTimersByTime(stepTime);
    const event = { step, steps, hasPreview: true } as StepEvent;
    event.preview = async () => {
      vi.advanceTimersByTime(previewTime);
      return { width: 4, height: 2, channels: 3, data: new Uint8Array(24) };
    };
    const preview = await pace.make(event);
    if (preview) shown.push(step);
    if (preview) expect(getImageFormat(preview)?.name).toBe("WebP");
  }
  return shown;
}

describe("PreviewPace", () => {
  it("shows every step of a model whose previews are quick", async () => {
    expect(await follow(new PreviewPace(), 6, 10, 200)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("spends a third of a slow model's steps on previews, and none on the last", async () => {
    expect(await follow(new PreviewPace(), 10, 3000, 3000)).toEqual([1, 4, 7]);
    expect(await follow(new PreviewPace(), 10, 9000, 3000)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await follow(new PreviewPace(), 10, 1000, 5000)).toEqual([1]);
  });

  it("shows nothing of stages without previews, and asks for none", async () => {
    const event = { step: 1, steps: 2, hasPreview: false } as StepEvent;
    expect(await new PreviewPace(true).make(event, true)).toBeUndefined();
  });

  it("shows every step of the embedded model, whatever the machine is busy with", async () => {
    expect(await follow(new PreviewPace(true), 4, 1000, 5000)).toEqual([1, 2, 3, 4]);
  });
});
