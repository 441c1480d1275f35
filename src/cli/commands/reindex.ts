// nishiki reindex: makes the application's index of images again from the files.
import type { Command } from "commander";
import { makeProgress } from "../progress.js";
import { print } from "../terminal.js";

const help = `
The image files are what counts: the application's database only finds them fast. It notices new and deleted files when it
starts. This command reads every file again, for images that were changed in place or a database that was restored.

Examples:
  nishiki reindex
  nishiki reindex --folder ~/Pictures/Nishiki
`;

interface Options {
  readonly folder?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function addReindexCommand(program: Command): void {
  program
    .command("reindex")
    .description("make the application's index of images again from the files")
    .option("--folder <path>", "folder of images and jobs (default: Nishiki in your pictures folder)")
    .option("--json", "print JSON")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(reindex);
}

async function reindex(options: Options): Promise<void> {
  const { findDefaultFolder, reindexFolder } = await import("../../server/node.js");
  const folder = options.folder ?? (await findDefaultFolder());
  const progress = makeProgress(options.quiet ?? false);
  const started = performance.now();
  const { images, unreadable } = await reindexFolder(folder, (done, all) => {
    const seconds = (performance.now() - started) / 1000;
    progress.show("Reading images", done, all, done > 0 ? (seconds / done) * (all - done) : undefined);
  });
  progress.clear();
  if (options.json) return print(`${JSON.stringify({ folder, images, unreadable })}\n`);
  for (const path of unreadable) progress.warn(`Left out: ${path} is damaged or not an image.`);
  await print(`${images} ${images === 1 ? "image" : "images"} in ${folder}\n`);
}
