// Large images take hundreds of megabytes while they are decoded and scaled, so only a few requests do that at a time.

export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets `most` pieces of work run at a time; the others wait in their order. */
export function makeGate(most: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place goes to the one that waited longest.
      if (next) next();
      else running--;
    }
  };
}
