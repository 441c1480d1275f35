// nishiki cache: weights that were prepared for --precision int8, and how to be rid of them.
import type { Command } from "commander";
import { clearWeightCache, getCacheLimit, getWeightCache, listWeightCache } from "../../checkpoint/node.js";
import { showText } from "../../errors.js";
import { formatBytes, formatDescription } from "../description.js";
import { print } from "../terminal.js";

const help = `
The first use of --precision int8 prepares the weights. The environment variables NISHIKI_CACHE and NISHIKI_CACHE_LIMIT set the folder and its limit in gigabytes (default: 10).

Examples:
  nishiki cache
  nishiki cache --clear
`;

export function addCacheCommand(program: Command): void {
  program
    .command("cache")
    .description("list or remove the prepared int8 weights")
    .option("--clear", "remove all of them; they are prepared again when needed")
    .option("--json", "print JSON")
    .addHelpText("after", help)
    .action(async ({ clear, json }: { clear?: boolean; json?: boolean }) => {
      const cache = getWeightCache();
      const prepared = await (clear ? clearWeightCache(cache) : listWeightCache(cache));
      if (json)
        return print(
          `${JSON.stringify({ cache, limit: getCacheLimit(), removed: clear === true, prepared })}\n`,
        );
      const total = prepared.reduce((sum, { bytes }) => sum + bytes, 0);
      const values = prepared.map(({ hash, file, bytes, lastUsed }): [string, string] => [
        hash.slice(0, 12),
        `${formatBytes(bytes)}, used ${new Date(lastUsed).toISOString().slice(0, 10)}, of ${showText(file ?? "an unknown file")}`,
      ]);
      const size = clear
        ? `${formatBytes(total)} removed`
        : `${formatBytes(total)} of ${formatBytes(getCacheLimit())}`;
      await print(formatDescription({ title: cache, values: { size, ...Object.fromEntries(values) } }));
    });
}
