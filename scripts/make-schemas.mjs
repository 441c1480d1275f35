// Writes the JSON Schema files with which editors complete configs. Run it after changing a config's
// declaration:
//   node scripts/make-schemas.mjs
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "./prepare.mjs";

await build();
const { getTrainingConfigSchema } = await import("../dist/training/index.js");
const folder = new URL("../schemas/", import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL("training.json", folder), `${JSON.stringify(getTrainingConfigSchema(), null, 1)}\n`);
