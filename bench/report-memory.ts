// Loaded into a measured process: when it ends, writes down the most memory it had, in kilobytes.
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env.NISHIKI_BENCH_MEMORY;
if (isMainThread && file) {
  process.on("exit", () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
}
