// A process of its own that creates an embedded database: creating one takes 850 MB of memory and seconds, so the build
// packs a made one, which is unpacked here. Usage: create-worker FOLDER [TEMPLATE.zip] | create-worker --pack TEMPLATE.zip
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync, type Zippable, zipSync } from "fflate";

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

async function pack(template: string): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), "nishiki-database-"));
  try {
    await create(join(temporary, "database"));
    const files: Zippable = {};
    const root = join(temporary, "database");
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(root.length + 1).replaceAll("\\", "/");
      if (entry.isDirectory()) files[`${name}/`] = new Uint8Array();
      else if (name !== "postmaster.pid") files[name] = await readFile(path);
    }
    await writeFile(template, zipSync(files, { level: 9, mtime: new Date(2026, 0, 1) }));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const [first, template] = process.argv.slice(2);
if (first === undefined) throw new Error("The folder of the database is missing.");
if (first === "--pack") await pack(template ?? "template.zip");
else if (template !== undefined && existsSync(template)) await unpack(template, first);
else await create(first);
