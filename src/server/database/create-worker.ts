// A process of its own that creates an embedded database: creating takes 850 MB of memory, which the server would keep.
import { PGlite } from "@electric-sql/pglite";

const folder = process.argv[2];
if (folder === undefined) throw new Error("The folder of the database is missing.");
const database = await PGlite.create({ dataDir: folder });
await database.query("SELECT 1");
await database.close();
