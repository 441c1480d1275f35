// The settings of a second pass: filled in from those of the first, and checked together with the sizes.
import { parseSamplerName } from "../diffusion/index.js";
import type { ImageSettings } from "./image-request.js";
import type { ImageSizes } from "./request-context.js";
import { formatSize, getScheduleName } from "./request-values.js";

type Hires = NonNullable<ImageSettings["hires"]>;
type Request = Pick<Hires, "from"> & Partial<Hires>;

/** Fills in what the second pass does not say. A sampler's name may imply its schedule. */
export function completeHires(hires: Request, steps: number): Hires {
  const { from, strength = 0.7, method = "latent", prompt, negativePrompt } = hires;
  const named = hires.sampler === undefined ? undefined : parseSamplerName(hires.sampler);
  const schedule = hires.schedule ?? named?.schedule;
  return {
    from,
    strength,
    steps: hires.steps ?? steps,
    method,
    ...(named && { sampler: named.sampler }),
    ...(schedule !== undefined && { schedule: getScheduleName(schedule) }),
    ...(prompt !== undefined && { prompt }),
    ...(negativePrompt !== undefined && { negativePrompt }),
  };
}

/** One sentence for each fault. */
export function findHiresFaults({ hires, init, size }: ImageSettings, { range }: ImageSizes): string[] {
  if (!hires) return [];
  const { from, strength } = hires;
  const faults: string[] = [];
  if (init) faults.push("hires: cannot be combined with init; omit one of them.");
  if (strength === 0) faults.push("hires.strength: expected a number above 0, up to 1, got 0.");
  const [first, last] = [formatSize(from), formatSize(size)];
  if (from.width > size.width || from.height > size.height)
    faults.push(`hires.from: expected at most ${last}, the size of the image, got ${first}.`);
  if (!range) return faults;
  const { step, least, most } = range;
  const fits = [from.width, from.height].every((side) => side % step === 0 && side >= least && side <= most);
  if (!fits)
    faults.push(
      `hires.from: this model draws sides of ${least} to ${most} pixels that are multiples of ${step}, got ${first}.`,
    );
  return faults;
}

/** The settings of each pass, as if it were a request of its own. */
export function splitPasses(settings: ImageSettings): {
  readonly first: ImageSettings;
  readonly second?: ImageSettings;
} {
  const { hires, ...rest } = settings;
  if (!hires) return { first: settings };
  const { from, steps, sampler, schedule, prompt, negativePrompt } = hires;
  return {
    first: { ...rest, size: from },
    second: {
      ...rest,
      steps,
      ...(sampler !== undefined && { sampler }),
      ...(schedule !== undefined && { schedule }),
      ...(prompt !== undefined && { prompt }),
      ...(negativePrompt !== undefined && { negativePrompt }),
    },
  };
}
