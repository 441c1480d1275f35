// A process of the build: packs an empty database that has all tables, so that a server's first start need not make them.
// Usage: pack-database TEMPLATE.zip
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";
import { openDatabase } from "./database/index.js";
import { FolderLibrary } from "./library/index.js";
import { openWorkerQueue } from "./queue/index.js";

async function readFiles(root: string): Promise<Zippable> {
  const files: Zippable = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1).replaceAll("\\", "/");
    if (entry.isDirectory()) files[`${name}/`] = new Uint8Array();
    else if (name !== "postmaster.pid") files[name] = await readFile(path);
  }
  return files;
}

async function pack(template: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nishiki-database-"));
  try {
    const database = await openDatabase({ folder, url: "" });
    // A worker's queue: a server's would leave what belongs to its folder.
    await (await openWorkerQueue(database)).close();
    await (await FolderLibrary.open({ folder, database, watch: false })).close();
    await database.close();
    const files = await readFiles(join(folder, ".nishiki", "database"));
    await writeFile(template, zipSync(files, { level: 9, mtime: new Date(2026, 0, 1) }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const template = process.argv[2];
if (template === undefined) throw new Error("The name of the template is missing.");
await pack(template);
