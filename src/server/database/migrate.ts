// Tables of our own, in the schema "nishiki". Each part declares the steps that lead to its tables; a database remembers
// how many of them it has seen.
import { NishikiError } from "../../errors.js";
import type { Database } from "../parts.js";

/** Any number will do, as long as nobody else uses it: only one process migrates at a time. */
const migrationLock = 7_305_001;

/**
 * Brings a part's tables up to date.
 * @param steps One list of statements per version. Published steps never change; new ones are added at the end.
 * @throws NishikiError "database" if a newer version of Nishiki has been here
 */
export async function migrate(
  database: Database,
  part: string,
  steps: readonly (readonly string[])[],
): Promise<void> {
  await database.transaction(async (query) => {
    if (database.kind === "postgres") await query("SELECT pg_advisory_xact_lock($1)", [migrationLock]);
    await query("CREATE SCHEMA IF NOT EXISTS nishiki");
    await query("CREATE TABLE IF NOT EXISTS nishiki.migration (part text PRIMARY KEY, version int NOT NULL)");
    const [row] = await query<{ version: number }>("SELECT version FROM nishiki.migration WHERE part = $1", [
      part,
    ]);
    const version = row?.version ?? 0;
    if (version > steps.length)
      throw new NishikiError(
        "database",
        `The job database was written by a newer version of Nishiki (${part} ${version}; this one knows ${steps.length}). Use that version.`,
      );
    for (const statements of steps.slice(version)) for (const statement of statements) await query(statement);
    if (version < steps.length)
      await query(
        "INSERT INTO nishiki.migration VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = $2",
        [part, steps.length],
      );
  });
}
