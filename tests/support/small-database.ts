// A small database in memory, for tests of what is kept in one.
import { PGlite } from "@electric-sql/pglite";
import type { Database } from "../../src/server/parts.js";

export async function makeSmallDatabase(dataDir?: string): Promise<Database> {
  const pglite = await PGlite.create({
    ...(dataDir !== undefined && { dataDir }),
    startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=1MB", "-c", "work_mem=1MB"],
  });
  const query: Database["query"] = async <Row>(text: string, values: readonly unknown[] = []) =>
    (await pglite.query<Row>(text, [...values])).rows;
  return {
    kind: "pglite",
    query,
    transaction: (work) =>
      pglite.transaction((inner) =>
        work(
          async <Row>(text: string, values: readonly unknown[] = []) =>
            (await inner.query<Row>(text, [...values])).rows,
        ),
      ),
    close: () => pglite.close(),
  };
}
