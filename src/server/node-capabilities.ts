// What this server can do (node).
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { samplers, stepSchedules } from "../diffusion/index.js";
import { getPackageFile } from "../engine/node.js";
import { MAX_PIXELS } from "../image/index.js";
import { readMemory } from "../pipeline/node.js";
import { apiVersion, type Capabilities } from "./api/index.js";
import { upscalers } from "./drawing/upscalers.js";
import { uploadBytes } from "./http/limits.js";

/** This program's version, read without loading what draws. */
async function readVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(getPackageFile("package.json"), "utf8")) as {
    version: string;
  };
  return version;
}

const listChoices = (table: Readonly<Record<string, { label: string; aliases: readonly string[] }>>) =>
  Object.entries(table).map(([name, { label, aliases }]) => ({ name, label, aliases: [...aliases] }));

export async function getCapabilities(): Promise<Capabilities> {
  return {
    name: "Nishiki",
    version: await readVersion(),
    api: apiVersion,
    device: "cpu",
    threads: availableParallelism(),
    memory: { ...(await readMemory()) },
    samplers: listChoices(samplers),
    schedules: listChoices(stepSchedules),
    upscalers,
    limits: {
      count: 10_000,
      uploadBytes,
      imagePixels: MAX_PIXELS,
      promptCharacters: 10_000,
    },
    features: ["train", "evaluate", "explain"],
    workers: 1,
  };
}
