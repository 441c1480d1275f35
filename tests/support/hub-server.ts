// A server on this machine that speaks the hub's protocol, for the repositories that a test gives it: model info, the tree of files,
// and their content with ranges. It can answer wrongly, or break off.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubServer {
  readonly url: string;
  /** What was asked, in order: "GET /path", with "bytes=…" where a range was. */
  readonly asked: string[];
  /** Called before a file is sent. */
  interfere?: (path: string, response: ServerResponse) => "done" | { readonly after: number } | undefined;
  readonly commit: string;
  close(): Promise<void>;
}

type Files = Readonly<Record<string, Buffer>>;

/** Files from here on are kept as large ones are, by SHA-256. */
const largeFrom = 2000;

/** @param repositories Files by repository; "gated" repositories are answered with 403 without the token "secret". */
export async function startHub(
  repositories: Readonly<Record<string, Files>>,
  gated: readonly string[] = [],
): Promise<HubServer> {
  const commit = createHash("sha1").update(Object.keys(repositories).join()).digest("hex");
  const hub: { -readonly [K in keyof HubServer]: HubServer[K] } = {
    url: "",
    asked: [],
    commit,
    close: async () => {},
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const url = decodeURIComponent((request.url ?? "").split("?")[0]!);
    const { range } = request.headers;
    hub.asked.push(`GET ${url}${range ? ` ${range}` : ""}`);
    const found = Object.keys(repositories).find(
      (name) =>
        url.startsWith(`/api/models/${name}/`) ||
        url === `/api/models/${name}` ||
        url.startsWith(`/${name}/resolve/`),
    );
    if (!found) return send(response, 404, { error: "Repository not found" });
    if (gated.includes(found) && request.headers.authorization !== "Bearer secret") {
      return send(response, 403, { error: "Access to this model is restricted" });
    }
    const files = repositories[found]!;
    const [, revision] = /\/(?:revision|tree|resolve)\/([^/]+)/.exec(url) ?? [];
    if (revision !== undefined && revision !== "main" && revision !== commit)
      return send(response, 404, { error: "Revision not found" });
    if (url.startsWith("/api/"))
      return send(
        response,
        200,
        url.includes("/tree/") ? tree(files) : info(found, commit, gated.includes(found)),
      );
    const path = url.split(`/resolve/${revision}/`)[1]!;
    const content = files[path];
    if (!content) return send(response, 404, { error: "Entry not found" });
    const change = hub.interfere?.(path, response);
    if (change !== "done") sendFile(response, content, range, change?.after);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.close = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return hub;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function info(id: string, sha: string, isGated: boolean) {
  return {
    _id: "1",
    id,
    modelId: id,
    sha,
    private: false,
    gated: isGated ? "manual" : false,
    cardData: isGated
      ? { license: "other", license_name: "tiny-licence", license_link: "LICENSE.md" }
      : { license: "mit" },
    downloads: 0,
    likes: 0,
    lastModified: "2026-01-01T00:00:00.000Z",
  };
}

function tree(files: Files) {
  return Object.entries(files).map(([path, content]) => {
    const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    if (content.length < largeFrom) return { type: "file", path, size: content.length, oid };
    const sha256 = createHash("sha256").update(content).digest("hex");
    return {
      type: "file",
      path,
      size: content.length,
      oid: "0".repeat(40),
      lfs: { oid: sha256, size: content.length, pointerSize: 130 },
    };
  });
}

function sendFile(
  response: ServerResponse,
  content: Buffer,
  range: string | undefined,
  after?: number,
): void {
  const from = Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
  const rest = content.subarray(from);
  response.writeHead(range ? 206 : 200, {
    "Content-Length": rest.length,
    ...(range && { "Content-Range": `bytes ${from}-${content.length - 1}/${content.length}` }),
  });
  if (after === undefined) response.end(rest);
  else response.write(rest.subarray(0, after), () => setTimeout(() => response.destroy(), 50));
}
