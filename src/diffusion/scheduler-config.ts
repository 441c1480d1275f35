// The fields of diffusers' scheduler_config.json that affect sampling. Facts of diffusers 0.42
// (src/diffusers/schedulers/scheduling_*.py). Other fields pass unchecked: each class ignores what it does
// not know.
import { flag, numberBetween, oneOf, parse, wholeNumber, z } from "../schema/index.js";

/** A larger number of training steps would only exhaust memory. */
const MOST_TIMES = 100_000;

const share = z.number().gt(0).lt(1);
const positive = z.number().gt(0).max(1e6);

/** One sentence for the whole list, even if several numbers are wrong. */
const betas = z
  .custom<readonly number[]>(
    (list) => Array.isArray(list) && list.every((beta) => typeof beta === "number" && beta > 0 && beta < 1),
  )
  .meta({ expected: "a list of numbers between 0 and 1" });

const schema = z
  .looseObject({
    _class_name: z.string().nullish(),
    num_train_timesteps: wholeNumber(2, MOST_TIMES).nullish(),
    beta_start: share.nullish(),
    beta_end: share.nullish(),
    beta_schedule: oneOf([
      "linear",
      "scaled_linear",
      "squaredcos_cap_v2",
      "sigmoid",
      "exp",
      "laplace",
    ]).nullish(),
    trained_betas: betas.nullish(),
    prediction_type: oneOf(["epsilon", "v_prediction", "sample"]).nullish(),
    timestep_spacing: oneOf(["leading", "linspace", "trailing"]).nullish(),
    steps_offset: wholeNumber(0, MOST_TIMES - 1).nullish(),
    rescale_betas_zero_snr: flag.nullish(),
    set_alpha_to_one: flag.nullish(),
    use_karras_sigmas: flag.nullish(),
    use_exponential_sigmas: flag.nullish(),
    use_beta_sigmas: flag.nullish(),
    sigma_min: numberBetween(1e-6, 1e6).nullish(),
    sigma_max: numberBetween(1e-6, 1e6).nullish(),
    final_sigmas_type: oneOf(["zero", "sigma_min"]).nullish(),
    solver_order: wholeNumber(1, 3).nullish(),
    lower_order_final: flag.nullish(),
    original_inference_steps: wholeNumber(1, MOST_TIMES).nullish(),
    timestep_scaling: numberBetween(1, 1e6).nullish(),
    thresholding: flag.nullish(),
    // -Infinity, as Python writes it, is no limit.
    lambda_min_clipped: z
      .custom<number>((value) => typeof value === "number" && value < 100)
      .nullish()
      .meta({ expected: "a number below 100" }),
    dynamic_thresholding_ratio: numberBetween(0, 1).nullish(),
    sample_max_value: numberBetween(1, 1e6).nullish(),
    clip_sample: flag.nullish(),
    clip_sample_range: positive.nullish(),
  })
  .superRefine(({ beta_start, beta_end, num_train_timesteps, trained_betas, ...rest }, context) => {
    const fault = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message });
    if (typeof beta_start === "number" && typeof beta_end === "number" && beta_start > beta_end)
      fault("beta_start", `expected a number up to beta_end (${beta_end}), got ${beta_start}.`);
    const schedules = (["karras", "exponential", "beta"] as const).filter(
      (name) => rest[`use_${name}_sigmas`],
    );
    if (schedules.length > 1)
      fault(
        `use_${schedules[1]}_sigmas`,
        `expected false together with use_${schedules[0]}_sigmas, got true.`,
      );
    const count = num_train_timesteps ?? 1000;
    if (trained_betas && trained_betas.length !== count)
      fault("trained_betas", `expected one per training step (${count}), got ${trained_betas.length}.`);
    if (typeof rest.steps_offset === "number" && rest.steps_offset >= count)
      fault("steps_offset", `expected a whole number from 0 to ${count - 1}, got ${rest.steps_offset}.`);
    if (typeof rest.original_inference_steps === "number" && rest.original_inference_steps > count)
      fault("original_inference_steps", `expected at most ${count}, got ${rest.original_inference_steps}.`);
  });

/** The explicit fields of a `scheduler_config.json`; null counts as missing. */
export type SchedulerFields = {
  readonly [K in keyof z.infer<typeof schema>]: Exclude<z.infer<typeof schema>[K], null>;
};

/**
 * Reads and checks the fields of a `scheduler_config.json`; fills in no defaults.
 * @throws NishikiError "checkpoint" with all faults
 */
export function readSchedulerFields(json: unknown): SchedulerFields {
  const fields = parse(schema, json, {
    name: "the config",
    code: "checkpoint",
    prefix: "scheduler_config.json: ",
  });
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as SchedulerFields;
}
