import { cp, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase, type ServerDatabase } from "./index.js";

let made: string;
let folder: string;

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), "nishiki-made-"));
  const database = await openDatabase({ folder: made, url: "" });
  await database.query("CREATE TABLE known (name text)");
  await database.query("INSERT INTO known VALUES ('before')");
  await database.close();
});
afterAll(() => rm(made, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-database-"));
  await cp(join(made, ".nishiki"), join(folder, ".nishiki"), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const data = (name: string) => join(folder, ".nishiki", "database", name);
const open = () => openDatabase({ folder, url: "" });

async function isNew(database: ServerDatabase): Promise<boolean> {
  const rows = await database.query("SELECT 1 FROM pg_tables WHERE tablename = 'known'");
  return rows.length === 0;
}

describe("the embedded database", () => {
  it("keeps what it holds", async () => {
    const database = await open();
    expect(database.notice).toBeUndefined();
    expect(await database.query("SELECT name FROM known")).toEqual([{ name: "before" }]);
    await database.close();
  });

  it.each([
    ["of another version", () => writeFile(data("PG_VERSION"), "17\n"), /has the format of Postgres 17/],
    ["that is incomplete", () => rm(data("PG_VERSION")), /is incomplete/],
    ["that is damaged", () => truncate(data("global/pg_control"), 100), /cannot be opened/],
  ])("is set aside and made anew: one %s", async (_, damage, notice) => {
    await damage();
    const database = await open();
    expect(database.notice).toMatch(notice);
    expect(await isNew(database)).toBe(true);
    await database.close();
    const aside = (await readdir(join(folder, ".nishiki"))).filter((name) => name.includes("set-aside"));
    expect(aside).toHaveLength(1);
  });

  it("runs statements one after the other, and those of a transaction within it", async () => {
    const database = await open();
    const failing = database.transaction(async (query) => {
      await query("INSERT INTO known VALUES ('lost')");
      // Not through the transaction's own function, and still within it.
      await database.query("INSERT INTO known VALUES ('lost, too')");
      throw new Error("changed my mind");
    });
    const reading = database.query<{ count: number }>("SELECT count(*)::int AS count FROM known");
    await expect(failing).rejects.toThrow("changed my mind");
    expect(await reading).toEqual([{ count: 1 }]);
    await expect(database.query("SELECT nonsense")).rejects.toThrow(/nonsense/);
    expect(await database.transaction((query) => query("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
    await database.close();
  });
});
