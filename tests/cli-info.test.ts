// What `nishiki info` and `nishiki models` say of files of other programs, and of files that are made to do harm.
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zlibSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runHere } from "./support/run-here.js";
import { writeTinyModel } from "./support/tiny-model.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const metadata = fileURLToPath(new URL("./golden/metadata", import.meta.url));
const sd1 = fileURLToPath(new URL("./golden/pipelines/sd1", import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-info-"));
  await writeTinyModel(join(folder, "models", "run", "model"));
  await cp(sd1, join(folder, "models", "sd1"), { recursive: true });
  await writeFile(join(folder, "models", "notes.txt"), "text");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The text of `info`, without line breaks and rows of spaces. */
async function info(path: string): Promise<string> {
  const { code, stdout, stderr } = await runHere(["info", path]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.replaceAll(/\s+/g, " ");
}

describe("pictures of other programs", () => {
  it.each([
    ["fooocus.png", "Made with Fooocus prompt cat Steps 30"],
    ["swarm.png", "Made with SwarmUI prompt cat Steps 4"],
    [
      "invoke-old.png",
      "Made with InvokeAI prompt a fantastic cat Steps 50 Sampler k_lms CFG scale 7.5 Seed 3357757885",
    ],
    ["webui-text-utf8.png", "prompt 猫耳 naïve"],
    [
      "webui.jpg",
      "JPEG picture size 64x64 pixels, RGB, 1.3 kB Made with stable-diffusion-webui prompt masterpiece, 猫耳",
    ],
    ["badcrc.png", 'problems The checksum of the text "parameters" is wrong: it may be damaged.'],
    ["rgb16icc.png", "96x64 pixels, RGB, 16 bits"],
  ])("%s", async (name, text) => {
    expect(await info(join(metadata, name))).toContain(text);
  });

  it("names formats that it does not read", async () => {
    const path = join(folder, "a.bmp");
    await writeFile(path, Buffer.from("BM\x36\0\0\0\0\0\0\0\x36\0\0\0", "latin1"));
    const { code, stderr } = await runHere(["info", path]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `${path} is a BMP file; PNG, JPEG, WebP, GIF, TIFF or AVIF are read. Save it as one of them.\n`,
    );
  });
});

describe("texts too long for a terminal", () => {
  it("are cut, and whole in JSON", async () => {
    const { encodePng } = await import("../src/image/index.js");
    const image = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
    const path = join(folder, "long.png");
    const parameters = `${"cat ".repeat(200_000)}\nSteps: 1, Seed: 2, Size: 1x1`;
    await writeFile(path, encodePng(image, { text: { parameters } }));
    const { stdout } = await runHere(["info", path]);
    expect(stdout.length).toBeLessThan(10_000);
    expect(stdout).toMatch(/cat … \(\d+ more characters; --json has all\)/);
    expect((await runHere(["info", path, "--json"])).stdout.length).toBeGreaterThan(800_000);
  });
});

describe("weights and models", () => {
  it("goes by the content of a file, not by capitals in its name", async () => {
    const upper = join(folder, "VAE.SAFETENSORS");
    await cp(join(sd1, "vae", "diffusion_pytorch_model.safetensors"), upper);
    expect(await info(upper)).toContain("safetensors tensors");
    const other = join(folder, "weights.bin");
    await cp(upper, other);
    expect(await info(other)).toContain("safetensors tensors");
  });

  it("takes a file whose header has the length of a picture's signature for what it is", async () => {
    // "II*\0", with which a TIFF file begins, is also the length of a header of 2,771,273 bytes.
    const header = Buffer.from(`{"__metadata__":{"a":"b"}}`.padEnd(0x2a4949, " "));
    const path = join(folder, "tiff-like.safetensors");
    await writeFile(path, Buffer.concat([Buffer.from("II*\0\0\0\0\0", "latin1"), header]));
    expect(await info(path)).toContain("safetensors tensors 0");
  });

  it("finds the models of a folder, one's own, too", async () => {
    const { code, stdout } = await runHere(["models", join(folder, "models"), "--json"]);
    expect(code).toBe(0);
    const rows = JSON.parse(stdout) as { model: string; what: string; isModel: boolean }[];
    const listed = rows.filter(({ model }) => /^(run|sd1)/.test(model));
    expect(listed.map(({ model, isModel }) => [model, isModel])).toEqual([
      [join("run", "model"), true],
      ["sd1", true],
    ]);
  });

  it("exits with 1 where a path that it was given is no model", async () => {
    const gone = await runHere(["models", join(folder, "gone"), join(folder, "models", "sd1")]);
    expect(gone.code).toBe(1);
    expect(gone.stdout).toContain("Stable Diffusion 1.x");
    expect(gone.stderr).toMatch(/^There is no model at .*gone: expected a folder .*\.\n$/);
    await mkdir(join(folder, "empty"), { recursive: true });
    expect((await runHere(["models", join(folder, "empty")])).code).toBe(1);
  });

  it("looks for org/name in the hub's cache", async () => {
    const hub = join(folder, "hub");
    const root = join(hub, "models--org--name");
    await mkdir(join(root, "refs"), { recursive: true });
    await writeFile(join(root, "refs", "main"), "a".repeat(40));
    await cp(sd1, join(root, "snapshots", "a".repeat(40)), { recursive: true });
    vi.stubEnv("HF_HUB_CACHE", hub);
    try {
      expect(await info("org/name")).toContain("Stable Diffusion 1.x");
      const unknown = await runHere(["info", "org/other"]);
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain("Download it with: nishiki pull org/other");
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("a checkpoint without all parts", () => {
  it("says what it lacks and what it is used with", async () => {
    const path = join(folder, "unet.safetensors");
    const tensor = { dtype: "f32", shape: [1], data: new Float32Array(1) } as const;
    const { writeSafetensors } = await import("../src/checkpoint/node.js");
    await writeSafetensors(path, [{ ...tensor, name: "model.diffusion_model.out.2.weight" }]);
    const text = await info(path);
    expect(text).toContain("checkpoint without parts");
    expect(text).toMatch(/lacks +text encoders, autoencoder/);
    expect(text).toMatch(/use +--base MODEL/);
  });
});

describe("a path that is not a regular file", () => {
  it.skipIf(process.platform === "win32")("is refused, and not waited for", async () => {
    const pipe = join(folder, "pipe.png");
    execFileSync("mkfifo", [pipe]);
    for (const command of ["info", "verify"]) {
      for (const path of [pipe, "/dev/zero"]) {
        const { code, stderr } = await runHere([command, path]);
        expect(code).toBe(1);
        expect(stderr).toBe(`Cannot read ${path}: it is not a regular file.\n`);
      }
    }
  });
});

describe("pictures that are made to do harm", () => {
  it("looks at declared sizes and packed texts without unpacking gigabytes", async () => {
    const { readChunks, writeChunks } = await import("../src/image/png-chunks.js");
    const [header, ...rest] = readChunks(new Uint8Array(await readFile(join(metadata, "fooocus.png"))));
    const packed = zlibSync(new Uint8Array(16 * 2 ** 20).fill(97));
    const bombs = Array.from({ length: 16 }, (_, i) => ({
      type: "zTXt",
      data: new Uint8Array(Buffer.concat([Buffer.from(`parameters${i}\0\0`), packed])),
    }));
    const sides = Uint8Array.of(0, 0, 0x80, 0, 0, 0, 0x80, 0, ...header!.data.subarray(8));
    const path = join(folder, "bomb.png");
    await writeFile(path, writeChunks([{ type: "IHDR", data: sides }, ...bombs, ...rest]));
    const text = await info(path);
    expect(text).toContain("32768x32768 pixels");
    expect(text).toContain("goes beyond 16 MiB for all texts");
  });
});
