// Partial images of a job that another machine draws: they come through the database, and none is overtaken.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "../src/server/application.js";
import { createApplication } from "../src/server/node-application.js";
import { makeOpenAiRoutes } from "../src/server/openai/index.js";
import { findPostgresProblem, startPostgres, type TestPostgres } from "./setup/postgres.js";
import { runCli } from "./support/run-cli.js";

describe.skipIf(findPostgresProblem() !== undefined)("a worker elsewhere", () => {
  let postgres: TestPostgres;
  let url: string;
  let folder: string;
  let application: Application;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-openai-"));
    postgres = await startPostgres();
    url = await postgres.makeDatabase();
    application = await createApplication({ folder, databaseUrl: url, draws: false });
  });
  afterAll(async () => {
    await application?.close();
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("sends every partial image of a stream", { timeout: 120_000 }, async () => {
    const app = makeOpenAiRoutes(application, { caller: () => ({ owner: "test" }) });
    let child: ChildProcess | undefined;
    const working = runCli(["worker", "--database", url], {
      during: (started) => {
        child = started;
      },
    });
    const request = { prompt: "a red fox", seed: 1, steps: 4, n: 2, stream: true, partial_images: 3 };
    const response = await app.request("/images/generations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    child!.kill("SIGINT");
    await working;
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
    const partials = events.filter(({ type }) => type === "image_generation.partial_image");
    expect(partials.map((event) => [event.image_index, event.partial_image_index])).toEqual([
      ...[0, 1, 2].map((partial) => [0, partial]),
      ...[0, 1, 2].map((partial) => [1, partial]),
    ]);
    expect(new Set(partials.map(({ b64_json }) => b64_json)).size).toBe(6);
    const completed = events.filter(({ type }) => type === "image_generation.completed");
    expect(completed.map(({ seed }) => seed)).toEqual([1, 2]);
  });
});
