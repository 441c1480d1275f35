// The devices of this machine, and the same seed on each of them (node).
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import type { ImageRequest, LoadOptions, Pixels } from "../pipeline/index.js";
import { loadPipeline } from "../pipeline/node.js";
import type { ExplainedDevice } from "./explanation.js";
import { psnr } from "./image-statistics.js";

/** The names that options have for the runtime's backends. */
const known = ["webgpu", "cuda", "coreml", "dml"] as const;
type Name = (typeof known)[number];

/** Devices other than the CPU for which this machine's runtime has code. Says nothing about hardware. */
export function listBackends(): readonly Name[] {
  const runtime = createRequire(getPackageFile("package.json"))("onnxruntime-node") as {
    listSupportedBackends?: () => readonly { readonly name: string }[];
  };
  const names = runtime.listSupportedBackends?.().map(({ name }) => name) ?? [];
  return known.filter((name) => names.includes(name));
}

interface Timed {
  readonly image: Pixels;
  readonly seconds: number;
}

/** Draws twice: a first run prepares memory and compiles kernels, and counts for nothing. */
async function drawOn(load: LoadOptions, request: ImageRequest, signal?: AbortSignal): Promise<Timed> {
  const watch = signal ? { signal } : {};
  await using pipeline = await loadPipeline(load, watch);
  let timed: Timed | undefined;
  for (let run = 0; run < 2; run++) {
    const start = performance.now();
    for await (const event of pipeline.generate({ ...request, count: 1 }, watch)) {
      if (event.kind !== "image") continue;
      const { width, height, pixels: data } = event;
      const seconds = (performance.now() - start) / 1000;
      timed = { image: { width, height, channels: 3, data }, seconds };
    }
  }
  return timed!;
}

function compare(image: Pixels, reference: Pixels): Pick<ExplainedDevice, "psnr" | "mostDifferent"> {
  const mostDifferent = image.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - reference.data[i]!)),
    0,
  );
  return { psnr: psnr(image, reference), mostDifferent };
}

/** What there is, without trying anything. */
export function listDevices(used: string, threads?: number): readonly ExplainedDevice[] {
  const first = {
    name: used,
    state: "used" as const,
    ...(used === "cpu" && { threads: threads ?? availableParallelism() }),
  };
  const others = [...listBackends(), "cpu"].filter((name) => name !== used);
  return [first, ...others.map((name) => ({ name, state: "untried" as const }))];
}

/**
 * Draws the same seed on every device that is there, one after another: each is loaded, and draws twice. On the CPU also with
 * one thread, which must give the same bytes.
 * @param used The device of the drawing.
 * @throws NishikiError "aborted", and what drawing throws for other reasons than a missing device
 */
export async function compareDevices(
  request: ImageRequest,
  load: LoadOptions,
  used: string,
  signal?: AbortSignal,
): Promise<readonly ExplainedDevice[]> {
  const [own, ...others] = listDevices(used, load.threads);
  const reference = await drawOn(load, request, signal);
  const devices: ExplainedDevice[] = [{ ...own!, seconds: reference.seconds }];
  const single = own!.threads !== undefined && own!.threads > 1 ? [{ name: "cpu", threads: 1 }] : [];
  for (const { name, threads } of [...single, ...others] as readonly { name: string; threads?: number }[]) {
    try {
      const options = { ...load, device: name, ...(threads && { threads }) } as LoadOptions;
      const { image, seconds } = await drawOn(options, request, signal);
      const result = { seconds, ...compare(image, reference.image) };
      devices.push({ name, ...(threads && { threads }), state: "drawn", ...result });
    } catch (error) {
      if (!(error instanceof NishikiError) || error.code !== "device") throw error;
      // What the runtime says about it is in brackets.
      devices.push({ name, state: "absent", reason: error.message.replace(/ ?\([\s\S]*$/, "") });
    }
  }
  return devices;
}
