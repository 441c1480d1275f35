// webuiapi, the client of stable-diffusion-webui's API for Python, against a running server.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPython } from "./support/find-python.js";
import { startServer, type TestServer } from "./support/start-server.js";

const python = findPython("webuiapi");
const script = fileURLToPath(new URL("clients/webui_client.py", import.meta.url));

let server: TestServer;
beforeAll(async () => {
  if (python !== undefined) server = await startServer();
});
afterAll(() => server?.close());

describe.skipIf(python === undefined)("webuiapi", () => {
  it("understands every answer", { timeout: 240_000 }, async () => {
    const { stdout } = await promisify(execFile)(python!, [script, server.url]);
    const seen = JSON.parse(stdout.trim().split("\n").at(-1)!);
    expect(seen).toMatchObject({
      models: ["embedded"],
      current: "embedded",
      after: "embedded",
      set: null,
      refresh: null,
      empty: [[], [], [], [], [], []],
      scripts: { txt2img: [], img2img: [] },
      embeddings: { loaded: {}, skipped: {} },
      memory: ["cuda", "ram"],
      flags: true,
      drawn: [
        [256, 256],
        [256, 256],
      ],
      info: { all_seeds: [7, 8], sampler_name: "Euler", steps: 3, cfg_scale: 7 },
      echo: ["a red fox", 3, 7],
      again: true,
      by_text: true,
      caption: "a red fox",
      painted: [[256, 256], true, true],
      changed: [[256, 256], 0.6],
      large: [[384, 384], true],
      network: [[512, 512], true],
      several: [
        [512, 512],
        [512, 512],
      ],
      hires: [512, 512],
      interrupt: {},
      interrupted: 0,
      progress: [true, 2],
      skip: null,
    });
    expect(seen.samplers).toEqual(expect.arrayContaining(["Euler a", "DPM++ 2M", "DDIM", "UniPC"]));
    expect(seen.schedulers).toEqual(expect.arrayContaining(["automatic", "karras", "exponential"]));
    expect(seen.upscalers).toEqual(expect.arrayContaining(["None", "Lanczos", "Nearest"]));
    expect(seen.modes).toContain("Latent");
    expect(seen.info.infotexts).toEqual(seen.chunks);
    expect(seen.errors).toEqual([
      [400, "Sampler not found"],
      [422, expect.stringContaining("no face restorer")],
      [422, "Script 'xyz' not found"],
      [404, "Model not found"],
      [422, "always on script ADetailer not found"],
    ]);
  });
});
