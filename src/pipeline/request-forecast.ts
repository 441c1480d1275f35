// What a request will take, before it is drawn: seconds and memory, from the multiplications and bytes that its networks'
// programs need and from how fast this machine was at such networks before.
import type { NetworkRun } from "./cancel.js";
import type { NetworkWork } from "./work.js";

/** How fast a machine runs one kind of network. */
export interface NetworkSpeed {
  /** Multiplications per second. */
  readonly rate: number;
  /** Seconds to load it, its slower first run included. */
  readonly loadSeconds: number;
  /** Drawings that this was learned from. */
  readonly drawings: number;
}

/** How fast a machine was, by kind of network: see {@link getKind}. */
export interface MachineSpeed {
  /** Multiplications per second of a standard program; what unknown networks are estimated from. */
  readonly standardRate?: number;
  readonly networks: Readonly<Record<string, NetworkSpeed>>;
  /** By the kind of the denoiser: bytes by which the measured peak was above the counted one. */
  readonly excess: Readonly<Record<string, number>>;
  /** By the kind of the denoiser: seconds outside of any network, of loading and of each image. */
  readonly rest: Readonly<Record<string, Rest>>;
}

export interface Rest {
  readonly load: number;
  readonly image: number;
}

export interface RequestForecast {
  /** For all images, with loading. */
  readonly seconds: number;
  readonly loadSeconds: number;
  readonly secondsPerImage: number;
  /** Peak memory of the process that draws. */
  readonly bytes: number;
  /** Of all images. */
  readonly multiplications: number;
  /** Whether all these networks ran on this machine before; otherwise their speed is estimated from a standard program's. */
  readonly isMeasured: boolean;
}

export interface ForecastOptions {
  /** Number of images. Default 1. */
  readonly count?: number;
  /** Whether the networks are in memory already. Default false. */
  readonly isLoaded?: boolean;
  /** Bytes of weights up to which all networks stay in memory together. */
  readonly budget: number;
}

export const unknownSpeed: MachineSpeed = { networks: {}, excess: {}, rest: {} };

/** What the program takes before any weights: the runtime's libraries and this program's own code. */
const processBytes = 230e6;
/** The runtime packs weights for its kernels while the originals are still there. */
const packing = 1.3;
/** Unpacked weights are read at about this rate in bytes per second. */
const loadRate = 0.7e9;

/** Seconds to start the runtime and to read a model's small files. */
const usualStart = 0.5;

/**
 * Share of a standard program's rate that networks reach, measured on one machine: attention, normalisation and small
 * matrices cost time without multiplications.
 */
const usualShares: Readonly<Record<string, number>> = {
  "text encoder": 0.5,
  decoder: 0.5,
  encoder: 0.5,
  "super-resolution": 0.25,
};
const usualShare = 0.4;

const titleOf = (network: string) => network.split(",")[0]!;

/** Networks of one kind run at one speed: the same name and number of weights. */
export const getKind = ({ network, parameters }: NetworkWork): string =>
  `${titleOf(network)} ${parameters ?? "of unknown size"}`;

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function groupBy<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** The network whose weights take most of the memory: what excess and rest are remembered by. */
const getMain = (work: readonly NetworkWork[]) =>
  work.find(({ network }) => titleOf(network).endsWith("denoiser")) ?? work[0]!;

function countBytes(work: readonly NetworkWork[], budget: number): number {
  const kinds = new Map(work.map((one) => [getKind(one), one]));
  const weights = (some: readonly NetworkWork[]) =>
    packing * sum(some.map(({ weightBytes = 0 }) => weightBytes));
  const values = (some: readonly NetworkWork[]) =>
    Math.max(0, ...some.map(({ valueBytes = 0 }) => valueBytes));
  const all = [...kinds.values()];
  const fits = sum(all.map(({ weightBytes = 0 }) => weightBytes)) <= budget;
  const groups = fits ? [all] : [...groupBy(all, ({ group }) => group).values()];
  const inGroup = (group: readonly NetworkWork[]) => {
    const names = new Set(group.map(getKind));
    return weights(group) + values(work.filter((one) => names.has(getKind(one))));
  };
  return processBytes + Math.max(...groups.map(inGroup));
}

/** Forecasts a request. @param work Of one image: see `Pipeline.getWork`. */
export function forecastRequest(
  work: readonly NetworkWork[],
  { standardRate = 20e9, networks, excess, rest }: MachineSpeed,
  { count = 1, isLoaded = false, budget }: ForecastOptions,
): RequestForecast {
  const rateOf = (one: NetworkWork) =>
    networks[getKind(one)]?.rate ?? standardRate * (usualShares[titleOf(one.network)] ?? usualShare);
  const kinds = new Map(work.map((one) => [getKind(one), one]));
  const loads = [...kinds].map(([kind, { weightBytes = 0 }]) => {
    return networks[kind]?.loadSeconds ?? weightBytes / loadRate;
  });
  const seconds = work.map((one) => (one.multiplications * one.evaluations) / rateOf(one));
  const main = getKind(getMain(work));
  const secondsPerImage = sum(seconds) + (rest[main]?.image ?? 0);
  const loadSeconds = isLoaded ? 0 : sum(loads) + (rest[main]?.load ?? usualStart);
  return {
    seconds: loadSeconds + count * secondsPerImage,
    loadSeconds,
    secondsPerImage,
    bytes: Math.max(processBytes, countBytes(work, budget) + (excess[main] ?? 0)),
    multiplications: count * sum(work.map((one) => one.multiplications * one.evaluations)),
    isMeasured: [...kinds.keys()].every((kind) => networks[kind] !== undefined),
  };
}

interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Seconds in which any of these was going on: networks may load beside each other. */
function unite(intervals: readonly Interval[]): number {
  let [total, until] = [0, Number.NEGATIVE_INFINITY];
  for (const { start, end } of [...intervals].sort((a, b) => a.start - b.start)) {
    total += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return total;
}

const secondsOf = ({ start, end }: Interval) => end - start;

/** Collects how long networks took; pass `add` as `onRun` when loading and drawing. */
export class RunMeter {
  readonly #all: NetworkRun[] = [];

  readonly add = (run: NetworkRun): void => {
    this.#all.push(run);
  };

  /** Seconds of each run of a network, in order. */
  runs(network: string): readonly number[] {
    return this.#all.filter((run) => run.kind === "run" && run.network === network).map(secondsOf);
  }

  /** A network's share of the time in which networks were loaded; undefined if it was not. */
  loadSeconds(network: string): number | undefined {
    const loads = this.#all.filter(({ kind }) => kind === "load");
    const own = loads.filter((run) => run.network === network).map(secondsOf);
    const all = sum(loads.map(secondsOf));
    return own.length === 0 ? undefined : all === 0 ? 0 : (unite(loads) * sum(own)) / all;
  }

  /** Seconds in which a network ran or was loaded, before and since some time. */
  busy(split: number): { readonly before: number; readonly since: number } {
    const before = this.#all.filter(({ end }) => end <= split);
    const since = this.#all.filter(({ end }) => end > split);
    return { before: unite(before), since: unite(since) };
  }
}

/** What was measured of a finished drawing. */
export interface Measurement {
  /** Of one image. */
  readonly work: readonly NetworkWork[];
  readonly meter: Pick<RunMeter, "runs" | "loadSeconds" | "busy">;
  /** Images that were drawn. */
  readonly count: number;
  /** When loading began, drawing began and all was finished, in seconds of the meter's clock. */
  readonly times: { readonly start: number; readonly loaded: number; readonly end: number };
  /** Peak memory of the process, if it did nothing else. */
  readonly peakBytes?: number;
  readonly budget: number;
}

const medianOf = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** The share of the newest drawing in an average of many: the machine may have become faster or slower. */
const newest = 0.3;

const mix = (before: number | undefined, now: number, drawings = 1) =>
  before === undefined ? now : before + Math.max(newest, 1 / drawings) * (now - before);

function learnNetwork(
  before: NetworkSpeed | undefined,
  some: readonly NetworkWork[],
  { meter, count }: Measurement,
): NetworkSpeed | undefined {
  const title = titleOf(some[0]!.network);
  const runs = meter.runs(title);
  if (runs.length === 0) return before;
  const loading = meter.loadSeconds(title);
  // The first run of a session plans its memory, which belongs to loading.
  const first = loading !== undefined && runs.length > 1 ? Math.max(0, runs[0]! - medianOf(runs)) : 0;
  // Previews may have made further runs.
  const wanted = count * sum(some.map(({ evaluations, rows = 1 }) => evaluations / rows));
  const seconds = ((sum(runs) - first) * wanted) / runs.length;
  const done = count * sum(some.map((one) => one.multiplications * one.evaluations));
  const drawings = (before?.drawings ?? 0) + 1;
  return {
    rate: mix(before?.rate, done / seconds, drawings),
    loadSeconds:
      loading === undefined
        ? (before?.loadSeconds ?? 0)
        : mix(before?.loadSeconds || undefined, loading + first, drawings),
    drawings,
  };
}

/** Learns from a finished drawing. */
export function learnSpeed(speed: MachineSpeed, measurement: Measurement): MachineSpeed {
  const { work, meter, count, times, peakBytes, budget } = measurement;
  if (work.length === 0) return speed;
  const networks = { ...speed.networks };
  for (const [kind, some] of groupBy(work, getKind)) {
    const learned = learnNetwork(networks[kind], some, measurement);
    if (learned) networks[kind] = learned;
  }
  const main = getKind(getMain(work));
  const busy = meter.busy(times.loaded);
  const idle = (seconds: number, ran: number) => Math.max(0, seconds - ran);
  const before = speed.rest[main];
  const rest = {
    load:
      times.loaded > times.start
        ? mix(before?.load, idle(times.loaded - times.start, busy.before))
        : (before?.load ?? usualStart),
    image: mix(before?.image, idle(times.end - times.loaded, busy.since) / count),
  };
  const excess = { ...speed.excess };
  if (peakBytes !== undefined) excess[main] = mix(excess[main], peakBytes - countBytes(work, budget));
  return { ...speed, networks, excess, rest: { ...speed.rest, [main]: rest } };
}
