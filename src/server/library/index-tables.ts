// The library's tables in the database: an index of the files, which can be made again from them.
import type { Database } from "../parts.js";

/** Raised when the tables change: an index of another version is thrown away and made again. */
const version = 1;

const statements = [
  "CREATE SCHEMA IF NOT EXISTS nishiki",
  "CREATE TABLE IF NOT EXISTS nishiki.library_version (version integer NOT NULL)",
];

const tables = [
  "DROP TABLE IF EXISTS nishiki.images, nishiki.job_images, nishiki.library_version",
  "CREATE TABLE nishiki.library_version (version integer NOT NULL)",
  // `position` orders newest first; `words` are the prompt's in their order, for phrases; `lexemes` the same, for the index.
  `CREATE TABLE nishiki.images (
    id text PRIMARY KEY,
    path text NOT NULL UNIQUE,
    folder text NOT NULL,
    position text COLLATE "C" NOT NULL,
    words text NOT NULL,
    lexemes tsvector GENERATED ALWAYS AS (array_to_tsvector(string_to_array(btrim(words), ' '))) STORED,
    model text NOT NULL,
    seed double precision NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    job text NOT NULL,
    parent text,
    created text NOT NULL,
    favourite boolean NOT NULL,
    trashed text,
    stamp text NOT NULL,
    data jsonb NOT NULL
  ) WITH (toast_tuple_target = 256)`,
  // Rows stay narrow, so that counting what matches reads little: an image's data lies beside the table.
  "ALTER TABLE nishiki.images ALTER COLUMN data SET STORAGE EXTERNAL",
  "CREATE INDEX images_position ON nishiki.images (position DESC) WHERE trashed IS NULL",
  "CREATE INDEX images_trash ON nishiki.images (position DESC) WHERE trashed IS NOT NULL",
  "CREATE INDEX images_favourite ON nishiki.images (position DESC) WHERE favourite",
  "CREATE INDEX images_lexemes ON nishiki.images USING gin (lexemes) WITH (fastupdate = off)",
  "CREATE INDEX images_parent ON nishiki.images (parent) WHERE parent IS NOT NULL",
  "CREATE INDEX images_folder ON nishiki.images (folder)",
  "CREATE INDEX images_seed ON nishiki.images (seed)",
  `CREATE TABLE nishiki.job_images (
    job text NOT NULL,
    index integer NOT NULL,
    image text NOT NULL,
    PRIMARY KEY (job, index)
  )`,
  "CREATE INDEX job_images_image ON nishiki.job_images (image)",
];

/** Makes the tables if they are not there, or are of another version. @returns whether they are new, and so empty */
export async function makeTables(database: Database): Promise<boolean> {
  return database.transaction(async (query) => {
    // Two servers may start together on one Postgres.
    await query("SELECT pg_advisory_xact_lock(7201)");
    for (const statement of statements) await query(statement);
    const rows = await query<{ version: number }>("SELECT version FROM nishiki.library_version");
    if (rows[0]?.version === version) return false;
    for (const statement of tables) await query(statement);
    await query("INSERT INTO nishiki.library_version VALUES ($1)", [version]);
    return true;
  });
}
