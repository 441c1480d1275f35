// A library in a folder of its own, on each database that is there: what the library's tests share.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { encodeImage, type Receipt } from "../../src/pipeline/index.js";
import { readImageQuery } from "../../src/server/api/index.js";
import { openShared } from "../../src/server/database/index.js";
import { FolderLibrary } from "../../src/server/library/library.js";
import type { Database } from "../../src/server/parts.js";
import { findPostgresProblem, startPostgres, type TestPostgres } from "../setup/postgres.js";
import { makeSmallDatabase } from "./small-database.js";

const problem = findPostgresProblem();
if (problem) console.warn(`The library's tests on Postgres are skipped: ${problem}`);

export const created = "2026-11-28T10:00:00.000Z";
/** What a job says of an image that it drew. */
export const about = { job: "j1", index: 0, parent: null, mask: null, modelId: "embedded", created };

export const idOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The file of a drawn image of one colour. */
export async function makeDrawn(prompt: string, seed = 1, side = 16): Promise<Uint8Array> {
  const data = new Uint8Array(side * side * 3).map((_, i) => [200, 40 + seed, 20][i % 3]!);
  const receipt = {
    ...{ format: 2, version: "0.0.1", device: "cpu", runtime: "none", platform: "test", load: {} },
    request: {
      ...{ prompt, negativePrompt: "", seed, count: 1, steps: 4, guidance: 1, guidanceRescale: 0 },
      ...{ guidanceInterval: [0, 1], sampler: "euler", size: { width: side, height: side } },
    },
    model: { name: "test", version: "2", weights: {} },
    pixels: "0".repeat(64),
  };
  return encodeImage({ width: side, height: side, channels: 3, data }, receipt as unknown as Receipt);
}

/** One test's library, in an empty folder. */
export class LibraryLab {
  readonly kind: "pglite" | "postgres";
  database!: Database;
  folder!: string;
  library!: FolderLibrary;

  constructor(kind: LibraryLab["kind"]) {
    this.kind = kind;
  }

  readonly open = () => FolderLibrary.open({ folder: this.folder, database: this.database, watch: false });
  readonly list = (query: object = {}) => this.library.images(readImageQuery(query));
  /** As if the database were lost. */
  readonly forgetIndex = async () => {
    const schemas = await this.database.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'nishiki%'",
    );
    for (const { name } of schemas) await this.database.query(`DROP SCHEMA ${name} CASCADE`);
  };
}

/** Runs tests on the embedded database, and on Postgres where it is installed. */
export function describeLibrary(title: string, tests: (lab: LibraryLab) => void): void {
  for (const kind of ["pglite", "postgres"] as const)
    describe.skipIf(kind === "postgres" && problem !== undefined)(`${title} on ${kind}`, () => {
      const lab = new LibraryLab(kind);
      let postgres: TestPostgres | undefined;
      beforeAll(async () => {
        if (kind === "pglite") lab.database = await makeSmallDatabase();
        else {
          postgres = await startPostgres();
          lab.database = await openShared(await postgres.makeDatabase());
        }
      });
      afterAll(async () => {
        await lab.database?.close();
        await postgres?.stop();
      });
      beforeEach(async () => {
        await lab.forgetIndex();
        lab.folder = await mkdtemp(join(tmpdir(), "nishiki-library-"));
        lab.library = await lab.open();
      });
      afterEach(async () => {
        await lab.library.close();
        await rm(lab.folder, { recursive: true, force: true });
      });
      tests(lab);
    });
}
