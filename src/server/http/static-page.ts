// The page: the files of one folder, known by name before anybody asks for them. What is not in the list does not exist, so
// no path can lead out of the folder.
import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import type { Context, MiddlewareHandler } from "hono";
import type { HttpEnv } from "./environment.js";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".onnx": "application/octet-stream",
  ".safetensors": "application/octet-stream",
  ".txt": "text/plain; charset=utf-8",
};

const encodings = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

interface PageFile {
  readonly path: string;
  readonly type: string;
  /** Size and time: changes with the content. */
  readonly version: string;
  /** Whether its name has a hash of its content. */
  readonly isHashed: boolean;
  /** Compressed forms that lie beside it, best first. */
  readonly encodings: readonly (typeof encodings)[number][];
}

/** Undefined if there is no such file. */
function readVersion(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `"${stats.size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}"`;
}

function readPageFile(folder: string, name: string): PageFile {
  const path = join(folder, name);
  return {
    path,
    type: types[extname(name)] ?? "application/octet-stream",
    version: readVersion(path) ?? "",
    isHashed: /^assets\/.*-[\w-]{8,}\.\w+$/.test(name),
    encodings: encodings.filter(([, extension]) => existsSync(path + extension)),
  };
}

/** Lists the files of the page by their paths in URLs. Empty if the page is not built. */
function readPage(folder: string): ReadonlyMap<string, PageFile> {
  if (!existsSync(join(folder, "index.html"))) return new Map();
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join("/"),
    );
  const files = new Map(names.map((name) => [`/${name}`, readPageFile(folder, name)]));
  files.set("/", files.get("/index.html")!);
  return files;
}

async function sendPageFile(c: Context, file: PageFile): Promise<Response> {
  const headers: Record<string, string> = {
    "Content-Type": file.type,
    ETag: file.version,
    // "no-cache" keeps it, and asks each time whether it is still the same.
    "Cache-Control": file.isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    Vary: "Accept-Encoding",
  };
  if (c.req.header("if-none-match") === file.version) return c.body(null, 304, headers);
  const accepted = (c.req.header("accept-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .filter((each) => !/;\s*q=0(\.0*)?\s*$/.test(each))
    .map((each) => each.split(";")[0]!.trim());
  const encoding = file.encodings.find(([name]) => accepted.includes(name));
  if (encoding) headers["Content-Encoding"] = encoding[0];
  return c.body(await readFile(file.path + (encoding?.[1] ?? "")), 200, headers);
}

const notBuilt =
  "The page is not built. Stop the server and run npm start, which builds it. The interfaces work: see /api/v1/openapi.json.\n";

/** Serves the page's files; passes everything else on. They hold no data, so they need no token. */
export function servePage(folder: string): MiddlewareHandler<HttpEnv> {
  let files = readPage(folder);
  /** Whether the page was built again since its files were listed. */
  const isOld = () => files.get("/")?.version !== readVersion(join(folder, "index.html"));
  return async (c, next) => {
    const { method, path } = c.req;
    if (method !== "GET" && method !== "HEAD") return next();
    if (path === "/" && isOld()) files = readPage(folder);
    const file = files.get(path);
    if (file) return sendPageFile(c, file);
    return path === "/" ? c.text(notBuilt, 404) : next();
  };
}
