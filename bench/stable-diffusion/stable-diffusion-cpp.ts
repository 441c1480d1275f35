// An image by stable-diffusion.cpp's command, `sd-cli`, and what its log says of the time it took.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { watch } from "./watch.js";

export interface CppImage {
  readonly loadSeconds: number;
  /** Both sides of guidance, one after the other. */
  readonly textSeconds: number;
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
  readonly seconds: number;
  readonly peakGigabytes: number;
}

/** It knows diffusers' folders by the names of float32 files only: a folder of links has these. */
async function link(folder: string): Promise<string> {
  const linked = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
  for (const [part, file] of [
    ["unet", "diffusion_pytorch_model"],
    ["vae", "diffusion_pytorch_model"],
    ["text_encoder", "model"],
  ] as const) {
    await mkdir(join(linked, part));
    const plain = resolve(folder, part, `${file}.safetensors`);
    const found = existsSync(plain) ? plain : resolve(folder, part, `${file}.fp16.safetensors`);
    await symlink(found, join(linked, part, `${file}.safetensors`));
  }
  return linked;
}

function secondsOf(log: string, what: RegExp): number {
  const found = what.exec(log);
  if (!found) throw new Error(`sd-cli's log has nothing like ${what}: ${log.slice(-400)}`);
  return Number(found[1]);
}

/** 512×512, weights as float32 as far as it can (it keeps those of convolutions as float16). */
export async function measureCpp(
  command: string,
  folder: string,
  { steps, threads, more }: { steps: number; threads: number; more: readonly string[] },
): Promise<CppImage> {
  const linked = await link(folder);
  try {
    const settings = ["--steps", String(steps), "-W", "512", "-H", "512", "-s", "1"];
    const run = ["--type", "f32", "-t", String(threads), "--sampling-method", "euler", "-v", ...more];
    const paths = ["-m", linked, "-o", join(linked, "picture.png")];
    const prompt = ["-p", "blue cat against a sunset background"];
    const { seconds, peakGigabytes, output } = await watch(command, [
      ...paths,
      ...settings,
      ...run,
      ...prompt,
    ]);
    return {
      loadSeconds: secondsOf(output, /loading tensors completed, taking ([\d.]+)s/),
      textSeconds: secondsOf(output, /get_learned_condition completed, taking ([\d.]+)s/),
      stepSeconds: secondsOf(output, /sampling completed, taking ([\d.]+)s/) / steps,
      decodeSeconds: secondsOf(output, /decode_first_stage completed, taking ([\d.]+)s/),
      seconds,
      peakGigabytes,
    };
  } finally {
    await rm(linked, { recursive: true, force: true });
  }
}
