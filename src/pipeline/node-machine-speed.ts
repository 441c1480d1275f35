// How fast this machine is, kept in the cache folder: measured once by a standard program, then by every drawing (node).
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { getWeightCache, makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import type { HostTensor } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { conv2d, matmul, mean, trace } from "../graph/index.js";
import { parse, z } from "../schema/index.js";
import type { LoadOptions } from "./load-options.js";
import { learnSpeed, type MachineSpeed, type Measurement, unknownSpeed } from "./request-forecast.js";

const speedSchema = z.object({
  seen: z.record(z.string(), z.number()).optional(),
  standardRate: z.number().positive().optional(),
  networks: z.record(
    z.string(),
    z.object({ rate: z.number().positive(), loadSeconds: z.number().min(0), drawings: z.int().min(1) }),
  ),
  excess: z.record(z.string(), z.number()),
  rest: z.record(z.string(), z.object({ load: z.number().min(0), image: z.number().min(0) })),
});
const fileSchema = z.object({ format: z.literal(1), machines: z.record(z.string(), speedSchema) });
type SpeedFile = z.output<typeof fileSchema>;

/** The file of all speeds. */
const getSpeedFile = () => join(getWeightCache(), "speed.json");

/** A machine's speed, and when which drawings were learned from, in milliseconds since 1970. */
type KeptSpeed = MachineSpeed & { readonly seen?: Readonly<Record<string, number>> };

/** What a speed belongs to: the device, its threads and the precision of the weights. */
export function nameMachine({ device = "auto", threads, precision = "float32" }: LoadOptions): string {
  const isCpu = device === "auto" || device === "cpu";
  const place = isCpu ? `cpu ${threads ?? availableParallelism()}` : device;
  return precision === "float32" ? place : `${place} ${precision}`;
}

/** A file that cannot be read is measured again. */
async function readSpeeds(): Promise<SpeedFile> {
  try {
    return parse(fileSchema, JSON.parse(await readFile(getSpeedFile(), "utf8")), { name: "speed.json" });
  } catch {
    return { format: 1, machines: {} };
  }
}

/** Speeds are a convenience: a cache that cannot be written is no reason to fail. */
async function write(machine: string, change: (speed: KeptSpeed) => KeptSpeed): Promise<MachineSpeed> {
  const file = await readSpeeds();
  const changed = change((file.machines[machine] ?? unknownSpeed) as KeptSpeed);
  const machines = { ...file.machines, [machine]: changed };
  const text = `${JSON.stringify({ format: 1, machines }, undefined, 1)}\n`;
  await makeFolder(getWeightCache())
    .then(() => writeFileAtomic(getSpeedFile(), Buffer.from(text)))
    .catch(() => undefined);
  return changed;
}

/** What is known about the machine; with nothing known, a standard program is measured, which takes about a second. */
export async function readMachineSpeed(options: LoadOptions): Promise<MachineSpeed> {
  const machine = nameMachine(options);
  const known = (await readSpeeds()).machines[machine] as MachineSpeed | undefined;
  if (known?.standardRate !== undefined) return known;
  const standardRate = await measureStandardRate(options);
  return write(machine, (speed) => ({ ...speed, standardRate }));
}

const mostSeen = 100;
const dueMilliseconds = 3_600_000;

/** Whether there is something to learn from such a drawing: one of this name was not measured within the last hour. */
export async function isDue(options: LoadOptions, name: string): Promise<boolean> {
  const last = (await readSpeeds()).machines[nameMachine(options)]?.seen?.[name] ?? 0;
  return Math.abs(Date.now() - last) > dueMilliseconds;
}

/** Learns from a finished drawing of some name. */
export async function keepMeasurement(
  options: LoadOptions,
  name: string,
  measurement: Measurement,
): Promise<void> {
  await write(nameMachine(options), ({ seen = {}, ...speed }) => {
    const newest = Object.entries({ ...seen, [name]: Date.now() }).sort(([, a], [, b]) => b - a);
    return { ...learnSpeed(speed, measurement), seen: Object.fromEntries(newest.slice(0, mostSeen)) };
  });
}

const side = 512;
const channels = 128;
const area = 32;
const repeats = 3;

/** The standard program: matrix products and convolutions, half of the multiplications each. */
const standard = () =>
  trace((tracer) => {
    let x = tracer.input("x", [side, side]);
    const w = tracer.input("w", [side, side]);
    for (let i = 0; i < 4; i++) x = matmul(x, w);
    let image = tracer.input("image", [1, channels, area, area]);
    const kernel = tracer.input("kernel", [channels, channels, 3, 3]);
    for (let i = 0; i < 4; i++) image = conv2d(image, kernel, { padding: 1 });
    return { first: mean(x), second: mean(image) };
  });
const standardMultiplications = 4 * side ** 3 + 4 * channels ** 2 * area ** 2 * 9;

const fill = (...shape: number[]): HostTensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "f32", shape, data: new Float32Array(size).map((_, i) => ((i % 7) - 3) / 100) };
};

async function measureStandardRate({ device, threads }: LoadOptions): Promise<number> {
  await using engine = makeEngine({ ...(device && { device }), ...(threads && { threads }) });
  const session = await engine.load(standard());
  const inputs = {
    ...{ x: fill(side, side), w: fill(side, side) },
    ...{ image: fill(1, channels, area, area), kernel: fill(channels, channels, 3, 3) },
  };
  await session.run(inputs);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await session.run(inputs);
    best = Math.min(best, performance.now() - start);
  }
  return standardMultiplications / (best / 1000);
}
