// A process of its own that creates an embedded database: creating one takes 850 MB of memory and seconds, so the build
// packs a made one (`pack-database.ts`), which is unpacked here. Usage: create-worker FOLDER [TEMPLATE.zip]
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";

async function create(folder: string): Promise<void> {
  const { PGlite } = await import("@electric-sql/pglite");
  const database = await PGlite.create({ dataDir: folder });
  await database.query("SELECT 1");
  await database.close();
}

async function unpack(template: string, folder: string): Promise<void> {
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(template)))) {
    const path = join(folder, name);
    // Postgres refuses a folder that others may read.
    await mkdir(name.endsWith("/") ? path : dirname(path), { recursive: true, mode: 0o700 });
    if (!name.endsWith("/")) await writeFile(path, bytes, { mode: 0o600 });
  }
}

const [folder, template] = process.argv.slice(2);
if (folder === undefined) throw new Error("The folder of the database is missing.");
if (template !== undefined && existsSync(template)) await unpack(template, folder);
else await create(folder);
