// The index of the images: what the feed, the search and the family tree ask. Rows come from files and marks only.

import { NishikiError } from "../../errors.js";
import type { ImagePage, ImageQuery, StoredImage } from "../api/index.js";
import type { Database } from "../parts.js";
import { type Bind, makeSearchConditions } from "./search.js";
import { splitWords } from "./words.js";

/** An image and where its file is. */
export interface IndexedImage {
  readonly image: StoredImage;
  /** Relative to the library's folder, with slashes. */
  readonly path: string;
  /** The file's time and size, which tell whether it has changed. */
  readonly stamp: string;
}

interface Row {
  readonly data: Omit<StoredImage, "favourite" | "trashed">;
  readonly favourite: boolean;
  readonly trashed: string | null;
}

/** Rows of a job's images that are written at once. */
const batchSize = 1000;

/** Lists whose totals are kept. */
const mostTotals = 200;

/** The colour of images that nobody has looked at yet: a neutral grey. */
export const unknownColour = "#808080";

const columns = "images.data, images.favourite, images.trashed";

const toImage = ({ data, favourite, trashed }: Row): StoredImage => ({ ...data, favourite, trashed });

/** As JSON, without what a database cannot hold in texts of foreign files: NUL, and halves of characters. */
function clean(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "string" ? inner.replaceAll("\0", " ").replace(/\p{Surrogate}/gu, "\ufffd") : inner,
  );
}

/** Newest first; images of one job by their index; all others by their id, so that the order never changes. */
function getPosition({ created, job, index, id }: StoredImage): string {
  return `${created}|${job ?? ""}|${String(index).padStart(6, "0")}|${id.slice(0, 16)}`;
}

function toRow({ image, path, stamp }: IndexedImage) {
  const { favourite, trashed, ...data } = image;
  const words = splitWords(image.prompt);
  return {
    id: image.id,
    path,
    folder: path.slice(0, Math.max(0, path.lastIndexOf("/"))),
    position: getPosition(image),
    words: words.length === 0 ? "" : ` ${words.join(" ")}`,
    model: `${image.model} ${image.modelId ?? ""}`.toLowerCase(),
    ...{ seed: image.seed, width: image.width, height: image.height },
    ...{ job: image.job ?? "", parent: image.parent?.image ?? null, created: image.created },
    ...{ favourite, trashed, stamp, data },
  };
}

const rowColumns =
  "id text, path text, folder text, position text, words text, model text, seed double precision, width integer, " +
  "height integer, job text, parent text, created text, favourite boolean, trashed text, stamp text, data jsonb";
const names = rowColumns.split(", ").map((column) => column.split(" ")[0]!);
/** A colour that somebody has computed stays. */
const keptColour = `CASE WHEN excluded.data->>'colour' = '${unknownColour}'
  THEN jsonb_set(excluded.data, '{colour}', images.data->'colour') ELSE excluded.data END`;
const updates = names
  .filter((name) => name !== "id")
  .map((name) => `${name} = ${name === "data" ? keptColour : `excluded.${name}`}`);

export class ImageIndex {
  readonly #database: Database;
  readonly #schema: string;
  readonly #totals = new Map<string, number>();
  #changes = 0;

  constructor(database: Database, schema: string) {
    this.#database = database;
    this.#schema = schema;
  }

  /** Adds or replaces rows. */
  async put(images: readonly IndexedImage[]): Promise<void> {
    if (images.length === 0) return;
    const rows = images.map(toRow);
    await this.#database.transaction(async (query) => {
      // A file that was replaced by another one: the row of what it was before goes.
      await query(`DELETE FROM ${this.#schema}.images WHERE path = ANY($1) AND NOT id = ANY($2)`, [
        rows.map(({ path }) => path),
        rows.map(({ id }) => id),
      ]);
      await query(
        `INSERT INTO ${this.#schema}.images AS images (${names.join(", ")})
         SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r(${rowColumns})
         ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}`,
        [clean(rows)],
      );
    });
    this.#changed();
  }

  /** Records which images jobs drew; of several for one place in a job, the last. */
  async putJobImages(
    entries: readonly { readonly job: string; readonly index: number; readonly image: string }[],
  ): Promise<void> {
    const latest = [...new Map(entries.map((entry) => [`${entry.job} ${entry.index}`, entry])).values()];
    for (let at = 0; at < latest.length; at += batchSize) {
      await this.#database.query(
        `INSERT INTO ${this.#schema}.job_images (job, index, image)
         SELECT job, index, image FROM jsonb_to_recordset($1::text::jsonb) AS r(job text, index integer, image text)
         ON CONFLICT (job, index) DO UPDATE SET image = excluded.image`,
        [clean(latest.slice(at, at + batchSize))],
      );
    }
    this.#changed();
  }

  async get(id: string): Promise<{ image: StoredImage; path: string; stamp: string } | undefined> {
    const [row] = await this.#database.query<Row & { path: string; stamp: string }>(
      `SELECT ${columns}, path, stamp FROM ${this.#schema}.images WHERE id = $1`,
      [id],
    );
    return row && { image: toImage(row), path: row.path, stamp: row.stamp };
  }

  /** Images that are known, in the order of the ids. */
  async getAll(ids: readonly string[]): Promise<StoredImage[]> {
    const rows = await this.#database.query<Row>(
      `SELECT ${columns} FROM ${this.#schema}.images AS images WHERE id = ANY($1)`,
      [ids],
    );
    return inOrder(ids, rows);
  }

  /** An image of a job as that job drew it: another job may have drawn the same one since. */
  async ofJob(job: string): Promise<StoredImage[]> {
    const rows = await this.#database.query<Row & { index: number }>(
      `SELECT ${columns}, drawn.index FROM ${this.#schema}.job_images AS drawn
       JOIN ${this.#schema}.images AS images ON images.id = drawn.image WHERE drawn.job = $1 ORDER BY drawn.index`,
      [job],
    );
    return rows.map((row) => ({ ...toImage(row), job, index: row.index }));
  }

  async page(query: ImageQuery): Promise<ImagePage> {
    const values: (string | number)[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const conditions = makeConditions(query, this.#schema, bind);
    const where = conditions.join(" AND ");
    const counted = [...values];
    const before = query.cursor === undefined ? "" : ` AND position < ${bind(readCursor(query.cursor))}`;
    const rows = await this.#database.query<Row & { position: string }>(
      `SELECT ${columns}, position FROM ${this.#schema}.images AS images WHERE ${where}${before}
       ORDER BY position DESC LIMIT ${bind(query.limit + 1)}`,
      values,
    );
    const total = await this.#count(where, counted);
    const shown = rows.slice(0, query.limit);
    const next = rows.length > query.limit ? makeCursor(shown.at(-1)!.position) : null;
    return { images: shown.map(toImage), next, total };
  }

  /** How many images match. Pages of one list ask for the same number, so it is kept until something changes. */
  async #count(where: string, values: readonly (string | number)[]): Promise<number> {
    const key = JSON.stringify([where, values]);
    const known = this.#totals.get(key);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const [row] = await this.#database.query<{ total: number }>(
      `SELECT count(*)::integer AS total FROM ${this.#schema}.images WHERE ${where}`,
      values,
    );
    const total = row?.total ?? 0;
    if (changes === this.#changes && this.#totals.size < mostTotals) this.#totals.set(key, total);
    return total;
  }

  #changed(): void {
    this.#changes++;
    this.#totals.clear();
  }

  /** Changes marks. @returns the images as they are then, in the order of the ids */
  async mark(
    ids: readonly string[],
    { favourite, trashed }: { readonly favourite?: boolean; readonly trashed?: string | null },
  ): Promise<StoredImage[]> {
    const rows = await this.#database.query<Row>(
      `UPDATE ${this.#schema}.images AS images SET favourite = coalesce($2::boolean, favourite),
       trashed = CASE WHEN $3::boolean THEN $4 ELSE trashed END WHERE id = ANY($1) RETURNING ${columns}`,
      [ids, favourite ?? null, trashed !== undefined, trashed ?? null],
    );
    this.#changed();
    return inOrder(ids, rows);
  }

  /** Sets the average colour of an image. */
  async setColour(id: string, colour: string): Promise<void> {
    await this.#database.query(
      `UPDATE ${this.#schema}.images SET data = jsonb_set(data, '{colour}', to_jsonb($2::text)) WHERE id = $1`,
      [id, colour],
    );
  }

  /** Images in the trash, since before a time if one is given. */
  async trash(before?: string): Promise<{ readonly id: string; readonly path: string }[]> {
    const rows = await this.#database.query<{ id: string; path: string }>(
      `SELECT id, path FROM ${this.#schema}.images WHERE trashed IS NOT NULL AND ($1::text IS NULL OR trashed < $1)`,
      [before ?? null],
    );
    return [...rows];
  }

  /** Whether an image was made from another: drawn over it, or with it as a mask. */
  async names(id: string): Promise<boolean> {
    const rows = await this.#database.query(
      `SELECT 1 FROM ${this.#schema}.images WHERE data::text LIKE '%' || $1 || '%' AND id <> $1 LIMIT 1`,
      [id],
    );
    return rows.length > 0;
  }

  /** Files of a folder that the index knows, by their paths. */
  async folder(folder: string): Promise<Map<string, { readonly id: string; readonly stamp: string }>> {
    const rows = await this.#database.query<{ path: string; id: string; stamp: string }>(
      `SELECT path, id, stamp FROM ${this.#schema}.images WHERE folder = $1`,
      [folder],
    );
    return new Map(rows.map(({ path, id, stamp }) => [path, { id, stamp }]));
  }

  async folders(): Promise<string[]> {
    const rows = await this.#database.query<{ folder: string }>(
      `SELECT DISTINCT folder FROM ${this.#schema}.images`,
    );
    return rows.map(({ folder }) => folder);
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#database.query(`DELETE FROM ${this.#schema}.images WHERE id = ANY($1)`, [ids]);
    this.#changed();
  }

  /** Marks whose row says otherwise are brought in line with the journal. */
  async applyMarks(
    marks: Iterable<
      readonly [id: string, marks: { readonly favourite: boolean; readonly trashed: string | null }]
    >,
  ): Promise<void> {
    const rows = [...marks].map(([id, mark]) => ({ id, ...mark }));
    await this.#database.query(
      `WITH marks AS (SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r(id text, favourite boolean, trashed text))
       UPDATE ${this.#schema}.images AS images SET favourite = coalesce(wanted.favourite, false), trashed = wanted.trashed
       FROM (SELECT images.id, marks.favourite, marks.trashed FROM ${this.#schema}.images AS images
             LEFT JOIN marks ON marks.id = images.id
             WHERE images.favourite <> coalesce(marks.favourite, false)
                OR images.trashed IS DISTINCT FROM marks.trashed) AS wanted
       WHERE images.id = wanted.id`,
      [clean(rows)],
    );
    this.#changed();
  }

  /** Lets the database choose the faster way for each query. Postgres does so by itself, PGlite does not. */
  async analyze(): Promise<void> {
    if (this.#database.kind === "pglite") await this.#database.query(`ANALYZE ${this.#schema}.images`);
  }
}

function inOrder(ids: readonly string[], rows: readonly Row[]): StoredImage[] {
  const byId = new Map(rows.map((row) => [row.data.id, toImage(row)]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function makeConditions(query: ImageQuery, schema: string, bind: Bind): string[] {
  const conditions = [query.trash ? "trashed IS NOT NULL" : "trashed IS NULL"];
  if (query.favourite !== undefined) conditions.push(query.favourite ? "favourite" : "NOT favourite");
  if (query.job !== undefined)
    conditions.push(`id IN (SELECT image FROM ${schema}.job_images WHERE job = ${bind(query.job)})`);
  if (query.parent !== undefined) conditions.push(`parent = ${bind(query.parent)}`);
  return [...conditions, ...makeSearchConditions(query.search, bind)];
}

const makeCursor = (position: string) => Buffer.from(position, "utf8").toString("base64url");

function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, "base64url").toString("utf8");
  if (/^\d{4}-[^\0]*\|[A-Za-z0-9_-]*\|\d{6,}\|[0-9a-f]{16}$/.test(position)) return position;
  throw new NishikiError("usage", "cursor: expected the value of `next` of the page before.");
}
