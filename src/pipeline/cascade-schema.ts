// The settings of models that draw in several stages of growing size (cascades: Ho et al. 2021, arXiv:2106.15282): how many stages
// to draw, and what the stages do that enlarge. Each list has one value for each of these, in order.
import { getTimestepList, type TimestepListName, timestepListNames } from "../diffusion/index.js";
import { numberBetween, wholeNumber, z } from "../schema/index.js";
import type { RequestContext } from "./request-context.js";

/** Stages of a cascade, at most. */
const mostStages = 4;

export const stagesSchema = wholeNumber(1, mostStages).optional().meta({
  description:
    "stages of a cascade to draw: 1 draws the small image only, which a later run can enlarge (--image with the next stage's model)",
  flag: "--stages <number>",
  defaultText: "all of the model's",
});

/** Training times of the model's steps, at most. */
const mostTimes = 1000;

const isListName = (text: string): text is TimestepListName =>
  (timestepListNames as readonly string[]).includes(text);

/** "smart50" or "999,749,499,249". */
function readTimes(text: string): readonly number[] {
  const name = text.trim().toLowerCase();
  return isListName(name) ? getTimestepList(name) : name.split(/\s*,\s*/).map(Number);
}

const isTimes = (times: readonly number[]) =>
  times.length >= 1 &&
  times.length <= mostTimes &&
  times.every((time, i) => Number.isSafeInteger(time) && time >= 0 && (i === 0 || time < times[i - 1]!));

const timesList = z
  .union([
    z.string().refine((text) => isTimes(readTimes(text))),
    z.array(z.number()).readonly().refine(isTimes),
  ])
  .transform((value): readonly number[] => (typeof value === "string" ? readTimes(value) : value))
  .meta({
    expected: `${timestepListNames.join(", ")}, or falling whole numbers such as 999,749,499,249`,
  })
  .optional();

const listChoices = `${timestepListNames.join(", ")}, or a list such as 999,749,499,249`;

export const timestepsSchema = timesList.meta({
  description: `training times of the steps: ${listChoices}`,
  flag: "--timesteps <list>",
  defaultText: "spaced by --steps and --schedule",
});

const perStage = <S extends z.ZodType>(value: S) =>
  z
    .array(value)
    .min(1)
    .max(mostStages - 1);

export const superResolutionSchema = z
  .strictObject({
    noiseLevel: perStage(wholeNumber(0, 999)).optional().meta({
      description:
        "noise on the image that a super-resolution stage enlarges, 0 to 999: more of it lets the stage invent more; may be repeated for further stages",
      flag: "--noise-level <level>",
      defaultText: "the model's",
    }),
    steps: perStage(wholeNumber(1, 1000)).optional().meta({
      description: "number of steps of a super-resolution stage; may be repeated for further stages",
      flag: "--super-resolution-steps <number>",
      defaultText: "the model's",
    }),
    timesteps: timesList.meta({
      description: `training times of the first super-resolution stage's steps: ${listChoices}`,
      flag: "--super-resolution-timesteps <list>",
      defaultText: "spaced by --super-resolution-steps",
    }),
    guidance: perStage(numberBetween(0, 100)).optional().meta({
      description: "guidance scale of a super-resolution stage; may be repeated for further stages",
      flag: "--super-resolution-guidance <number>",
      defaultText: "the model's",
    }),
    strength: perStage(numberBetween(0.001, 1)).optional().meta({
      description:
        "how much of the init image a super-resolution stage redraws, 0 to 1: it then begins with the image, as the first stage does, instead of with noise; the image has the size of the result",
      flag: "--super-resolution-strength <number>",
      defaultText: "0.8 with a mask; without one, only the first stage begins with the image",
    }),
  })
  .optional()
  .meta({ description: "super-resolution stages of a cascade" });

/** The settings that this file checks. */
interface CascadeSettings {
  readonly steps: number;
  readonly schedule?: string | undefined;
  readonly timesteps?: readonly number[] | undefined;
  readonly stages?: number | undefined;
}

/** @returns One sentence per fault. */
export function findCascadeFaults(settings: CascadeSettings, { stageSizes }: RequestContext): string[] {
  const { steps, schedule, timesteps, stages } = settings;
  const faults: string[] = [];
  const most = stageSizes?.length ?? 1;
  if (stages !== undefined && stageSizes && stages > most)
    faults.push(`stages: this model has ${most}, got ${stages}.`);
  if (!timesteps) return faults;
  if (steps !== timesteps.length)
    faults.push(`steps: expected ${timesteps.length}, one for each of the timesteps, got ${steps}.`);
  if (schedule !== undefined)
    faults.push(`schedule: cannot be combined with timesteps, which say where steps are; omit one of them.`);
  return faults;
}
