// Measures cost: wall-clock time, and processor time, which other programs disturb less.

export interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Starts both clocks; the returned function reads them. */
export function startClocks(): () => Cost {
  const cpu = process.cpuUsage();
  const began = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1e6 };
  };
}

export async function timed(work: () => Promise<unknown>): Promise<Cost> {
  const read = startClocks();
  await work();
  return read();
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export function medianCost(costs: readonly Cost[]): Cost {
  return {
    seconds: median(costs.map(({ seconds }) => seconds)),
    processorSeconds: median(costs.map(({ processorSeconds }) => processorSeconds)),
  };
}
