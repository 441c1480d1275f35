// Writes the table of routes in docs/api.md. Run it after changing a route's declaration:
//   node scripts/make-routes.mjs
import { readFile, writeFile } from "node:fs/promises";
import { build } from "./prepare.mjs";

await build();
const { describeRoutes } = await import("../dist/server/index.js");
const path = new URL("../docs/api.md", import.meta.url);
const page = await readFile(path, "utf8");
const table = `<!-- routes -->\n\n${describeRoutes()}\n\n<!-- /routes -->`;
await writeFile(
  path,
  page.replace(/<!-- routes -->[\s\S]*<!-- \/routes -->/, () => table),
);
