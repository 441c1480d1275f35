// The energy of a computation (node): the processor's own counters and the graphics card's own power where the system lets us read
// them, else an estimate from processor time.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Energy } from "./explanation.js";
import { nvidiaSmi, type PowerMeter, powermetrics, startPower } from "./node-power.js";

const counters = "/sys/class/powercap";
/** A busy core of a desktop or server processor takes 5 to 15 W. */
const wattsPerCore = 10;

interface Counter {
  readonly path: string;
  readonly range: number;
}

/** The packages' counters (RAPL), which only root may read by default since Linux 5.10. */
async function openCounters(): Promise<readonly Counter[]> {
  const names = await readdir(counters).catch(() => []);
  const packages = names.filter((name) => /^intel-rapl:\d+$/.test(name));
  const found = await Promise.all(
    packages.map(async (name): Promise<Counter | undefined> => {
      const read = async (file: string) => Number(await readFile(join(counters, name, file), "utf8"));
      const [value, range] = await Promise.all([read("energy_uj"), read("max_energy_range_uj")]).catch(
        () => [],
      );
      const isUsable = Number.isFinite(value) && Number.isFinite(range);
      return isUsable ? { path: join(counters, name, "energy_uj"), range: range! } : undefined;
    }),
  );
  return found.flatMap((counter) => counter ?? []);
}

const readCounter = async ({ path }: Counter) => Number(await readFile(path, "utf8"));

/** The power meters that may tell something of a device. */
const listMeters = (device: string): readonly PowerMeter[] => [
  ...(device === "cpu" ? [] : [nvidiaSmi]),
  ...(process.platform === "darwin" && process.getuid?.() === 0 ? [powermetrics] : []),
];

/**
 * Starts measuring; call the result at the end. Measured energy is the whole machine's, whatever else it did.
 * @param device What computes: a card's power is measured only if it is not the CPU.
 */
export async function startEnergy(device = "cpu"): Promise<() => Promise<Energy>> {
  const all = await openCounters();
  const stops = listMeters(device).map(startPower);
  const before = await Promise.all(all.map(readCounter));
  const usage = process.cpuUsage();
  return async () => {
    const metered = (await Promise.all(stops.map((stop) => stop()))).flatMap((joules) => joules ?? []);
    const extra = metered.reduce((a, b) => a + b, 0);
    if (all.length > 0) {
      const after = await Promise.all(all.map(readCounter));
      // A counter starts again at zero after its range.
      const used = after.map((value, i) => (value - before[i]! + all[i]!.range) % all[i]!.range);
      return { joules: used.reduce((a, b) => a + b, 0) / 1e6 + extra, how: "measured" };
    }
    const { user, system } = process.cpuUsage(usage);
    // A meter of Apple's covers the processor; a card's does not, and what the processor adds is still estimated.
    if (metered.length > 0 && process.platform === "darwin") return { joules: extra, how: "measured" };
    return { joules: ((user + system) / 1e6) * wattsPerCore + extra, how: "estimated", wattsPerCore };
  };
}
