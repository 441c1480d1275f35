// What a drawing will take on this machine, whether it fits, and what to change if it does not (node).
import type { OpenedModel } from "./families/node-family.js";
import type { ImageSettings } from "./image-request.js";
import type { LoadOptions } from "./load-options.js";
import { isDue, keepMeasurement, readMachineSpeed } from "./node-machine-speed.js";
import { type Memory, readMemory } from "./node-memory.js";
import { forecastRequest, type Measurement, type RequestForecast } from "./request-forecast.js";
import { getBudget } from "./session-pool.js";
import { findSmallerSize } from "./smaller-size.js";

/** A forecast beside what the machine has. */
export interface Outlook extends RequestForecast {
  readonly memory: Memory;
  /** Whether the free memory is enough. */
  readonly fits: boolean;
  /** The smallest change that makes it fit, and its forecast; undefined if it fits or nothing helps. */
  readonly advice?: Advice;
}

export interface Advice {
  readonly change:
    | { readonly size: ImageSettings["size"] }
    | { readonly precision: "int8" }
    | { readonly lowMemory: true };
  readonly seconds: number;
  readonly bytes: number;
}

/** Opens a model with other load options. */
type Reopen = (load: LoadOptions) => Promise<OpenedModel>;

interface Subject {
  readonly settings: ImageSettings;
  readonly load: LoadOptions;
  readonly opened: OpenedModel;
}

const deviceOf = ({ device = "auto" }: LoadOptions) => (device === "auto" ? "cpu" : device);

async function forecast({ settings, load, opened }: Subject, isLoaded: boolean): Promise<RequestForecast> {
  const work = await opened.getWork!(settings);
  const speed = await readMachineSpeed(load);
  const budget = getBudget(load, deviceOf(load));
  return forecastRequest(work, speed, { count: settings.count, isLoaded, budget });
}

/**
 * Forecasts a drawing. Loads no weights; takes up to a second, and two for the first forecast on a machine.
 * @param isLoaded Whether the model is in memory already.
 * @param reopen Opens the same model with other options; without it, only smaller sizes are advised.
 * @returns Undefined if the model does not say what its networks cost.
 */
export async function foresee(
  subject: Subject,
  { isLoaded = false, reopen }: { readonly isLoaded?: boolean; readonly reopen?: Reopen } = {},
): Promise<Outlook | undefined> {
  if (!subject.opened.getWork) return undefined;
  const all = await forecast(subject, isLoaded);
  const memory = await readMemory();
  const fits = all.bytes <= memory.free;
  const advice = fits ? undefined : await findAdvice(subject, memory, reopen);
  return { ...all, memory, fits, ...(advice && { advice }) };
}

/** Tries what changes the image least first. */
async function findAdvice(
  subject: Subject,
  { free }: Memory,
  reopen: Reopen | undefined,
): Promise<Advice | undefined> {
  const { settings, load, opened } = subject;
  const others: Advice["change"][] = [];
  if (reopen && !load.lowMemory && !load.keepLoaded) others.push({ lowMemory: true });
  if (reopen && load.precision !== "int8") others.push({ precision: "int8" });
  for (const change of others) {
    const changed = { ...load, ...change } as LoadOptions;
    // A family refuses what it does not take.
    const model = await reopen!(changed).catch(() => undefined);
    if (!model?.getWork) continue;
    const { seconds, bytes } = await forecast({ settings, load: changed, opened: model }, false);
    if (bytes <= free) return { change, seconds, bytes };
  }
  for (let size = settings.size; ; ) {
    const smaller = findSmallerSize(size, opened.context.sizes);
    if (!smaller) return undefined;
    const { seconds, bytes } = await forecast(
      { ...subject, settings: { ...settings, size: smaller } },
      false,
    );
    if (bytes <= free) return { change: { size: smaller }, seconds, bytes };
    size = smaller;
  }
}

/** A drawing that is finished. */
export interface Measured extends Omit<Measurement, "work" | "budget"> {
  readonly settings: ImageSettings;
  readonly load: LoadOptions;
  readonly getWork: (settings: ImageSettings) => Measurement["work"] | Promise<Measurement["work"]>;
}

/** Drawings that take longer are always learned from: counting their work costs nothing in comparison. */
const longSeconds = 10;

/** Learns from a finished drawing: from each long one, and from short ones of a kind once an hour. */
export async function keepDrawing({ settings, load, getWork, ...measured }: Measured): Promise<void> {
  const { size, fast = false, upscale = "" } = settings;
  const name = `${load.model ?? "embedded"} ${size.width}x${size.height} ${fast} ${upscale}`;
  const { start, end } = measured.times;
  if (end - start < longSeconds && !(await isDue(load, name))) return;
  const work = await getWork(settings);
  await keepMeasurement(load, name, { ...measured, work, budget: getBudget(load, deviceOf(load)) });
}
