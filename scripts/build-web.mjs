// Builds the page (web/) into dist/web, and writes each text file's .gz and .br beside it, for the server to send as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, "dist/web");

await build({ configFile: join(root, "web/vite.config.ts"), logLevel: "warn" });
await build({ configFile: join(root, "web/vite.inside.config.ts"), logLevel: "warn" });

for (const name of readdirSync(output, { recursive: true, encoding: "utf8" })) {
  if (!/\.(js|css|html|svg|json|webmanifest)$/.test(name)) continue;
  const bytes = readFileSync(join(output, name));
  // Below one packet, compression saves nothing.
  if (bytes.length < 1000) continue;
  writeFileSync(join(output, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(output, `${name}.br`), brotliCompressSync(bytes, { params }));
}
