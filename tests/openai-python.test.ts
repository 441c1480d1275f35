// The official client for Python against a running server.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../src/image/index.js";
import { findPython } from "./support/find-python.js";
import { startServer, type TestServer } from "./support/start-server.js";

const python = findPython("openai");
const script = fileURLToPath(new URL("clients/openai_client.py", import.meta.url));

let server: TestServer;
let folder: string;

beforeAll(async () => {
  if (python === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "nishiki-python-"));
  server = await startServer();
});

afterAll(async () => {
  await server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const makeImage = (alpha: number) => {
  const data = Uint8Array.from({ length: 256 * 256 * 4 }, (_, i) =>
    i % 4 < 3 ? 90 : (i >> 2) % 256 < 128 ? alpha : 255,
  );
  return encodePng({ width: 256, height: 256, channels: 4, data });
};

describe.skipIf(python === undefined)("the client for Python", () => {
  it("understands every answer", { timeout: 120_000 }, async () => {
    const files = [join(folder, "image.png"), join(folder, "mask.png")] as const;
    await writeFile(files[0], makeImage(255));
    await writeFile(files[1], makeImage(0));
    const env = { ...process.env, OPENAI_BASE_URL: `${server.url}/v1` };
    const { stdout } = await promisify(execFile)(python!, [script, ...files], { env });
    const seen = JSON.parse(stdout);
    const { jobs } = await server.application.jobs({ limit: 500 });
    const fox = jobs.find(({ request }) => request.seed === 11)!.images[0]!;
    expect(seen).toEqual({
      generate: {
        sha256: fox.id,
        extra: { seed: 11, id: fox.id, link: `${server.url}/api/v1/images/${fox.id}/file` },
        size: "256x256",
      },
      urls: [expect.any(Number), expect.any(Number)],
      stream: [
        ["image_generation.partial_image", 0],
        ["image_generation.partial_image", 1],
        ["image_generation.completed", null],
      ],
      streamed: jobs.find(({ request }) => request.seed === 4)!.images[0]!.id,
      edit: { extra: expect.objectContaining({ seed: 2 }), usage: 0 },
      "edit stream": ["image_edit.partial_image", "image_edit.completed"],
      variation: 1,
      models: ["embedded"],
      model: expect.objectContaining({ model: "embedded" }),
      errors: [
        ["BadRequestError", 400, "style", "req_"],
        ["BadRequestError", 400, "n", "req_"],
        ["NotFoundError", 404, "model", "req_"],
        ["BadRequestError", 400, "stepz", "req_"],
      ],
      repeated: 1,
    });
    // Every repetition joined the first.
    expect(jobs.filter(({ request }) => request.prompt === "a lighthouse")).toHaveLength(1);
  });
});
