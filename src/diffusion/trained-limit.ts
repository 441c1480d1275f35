// How a published pixel model limits its predictions: diffusers' `thresholding` and `clip_sample`. Facts of diffusers 0.42
// (src/diffusers/schedulers/scheduling_ddpm.py).
import { clipTo, type Limit, thresholdDynamically } from "./thresholding.js";
import type { TrainedScheduler } from "./trained-scheduler.js";

/** The classes that clip unless the config says that they do not. */
const clipping = ["DDPMScheduler", "DDIMScheduler", "UnCLIPScheduler"];

/**
 * The limit of a model's predictions; undefined where there is none. Pipelines of latents never limit, whatever the config says.
 */
export function getTrainedLimit({ className, fields }: TrainedScheduler): Limit | undefined {
  if (fields.thresholding) {
    const { dynamic_thresholding_ratio: ratio = 0.995, sample_max_value: most = 1 } = fields;
    return thresholdDynamically({ ratio, most });
  }
  const clips = fields.clip_sample ?? clipping.includes(className);
  return clips ? clipTo(fields.clip_sample_range ?? 1) : undefined;
}
