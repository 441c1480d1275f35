// The library's tables in the database: an index of the files, which can be made again from them.
import type { Database } from "../parts.js";

/** Raised when the tables change: an index of another version is thrown away and made again. */
const version = 1;

const makeStatements = (schema: string) => [
  `CREATE SCHEMA IF NOT EXISTS ${schema}`,
  `CREATE TABLE IF NOT EXISTS ${schema}.library_version (version integer NOT NULL)`,
];

const makeTableStatements = (schema: string) => [
  `DROP TABLE IF EXISTS ${schema}.images, ${schema}.job_images, ${schema}.library_version`,
  `CREATE TABLE ${schema}.library_version (version integer NOT NULL)`,
  // `position` orders newest first; `words` are the prompt's in their order, for phrases; `lexemes` the same, for the index.
  `CREATE TABLE ${schema}.images (
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
  `ALTER TABLE ${schema}.images ALTER COLUMN data SET STORAGE EXTERNAL`,
  `CREATE INDEX images_position ON ${schema}.images (position DESC) WHERE trashed IS NULL`,
  `CREATE INDEX images_trash ON ${schema}.images (position DESC) WHERE trashed IS NOT NULL`,
  `CREATE INDEX images_favourite ON ${schema}.images (position DESC) WHERE favourite`,
  `CREATE INDEX images_lexemes ON ${schema}.images USING gin (lexemes) WITH (fastupdate = off)`,
  `CREATE INDEX images_parent ON ${schema}.images (parent) WHERE parent IS NOT NULL`,
  `CREATE INDEX images_folder ON ${schema}.images (folder)`,
  `CREATE INDEX images_seed ON ${schema}.images (seed)`,
  `CREATE TABLE ${schema}.job_images (
    job text NOT NULL,
    index integer NOT NULL,
    image text NOT NULL,
    PRIMARY KEY (job, index)
  )`,
  `CREATE INDEX job_images_image ON ${schema}.job_images (image)`,
];

/**
 * The schema of an index. Servers that share a Postgres have a folder of images each, and so an index each.
 * @param home Id of the library's folder.
 */
export function getIndexSchema({ kind }: Pick<Database, "kind">, home: string): string {
  return kind === "pglite"
    ? "nishiki"
    : `nishiki_${home
        .toLowerCase()
        .replace(/[^a-z0-9]/g, "")
        .slice(0, 40)}`;
}

/** Makes the tables if they are not there, or are of another version. @returns whether they are new, and so empty */
export async function makeTables(database: Database, schema: string): Promise<boolean> {
  return database.transaction(async (query) => {
    // Two servers may start together on one Postgres.
    await query("SELECT pg_advisory_xact_lock(7201)");
    for (const statement of makeStatements(schema)) await query(statement);
    const rows = await query<{ version: number }>(`SELECT version FROM ${schema}.library_version`);
    if (rows[0]?.version === version) return false;
    for (const statement of makeTableStatements(schema)) await query(statement);
    await query(`INSERT INTO ${schema}.library_version VALUES ($1)`, [version]);
    return true;
  });
}
