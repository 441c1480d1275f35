// Preloaded into a measured process: when the process ends, records its peak memory and processor time.
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env.NISHIKI_BENCH_RESOURCES;
if (isMainThread && file) {
  process.on("exit", () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); // kilobytes, microseconds
    const used = { peakMegabytes: maxRSS / 1000, processorSeconds: (userCPUTime + systemCPUTime) / 1e6 };
    writeFileSync(file, JSON.stringify(used));
  });
}
