// nishiki pull org/name: downloads a published model into the hub's cache.
import type { Command } from "commander";
import { Option } from "commander";
import type { PullPlan } from "../../hub/index.js";
import { formatBytes } from "../description.js";
import { makeProgress, type Progress } from "../progress.js";
import { listenForStop } from "../stop.js";
import { print, printPath } from "../terminal.js";

interface Options {
  readonly revision?: string;
  readonly variant: "fp16" | "full";
  readonly file?: string;
  readonly without?: readonly string[];
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Loaded when asked for: nothing that draws images should know how to use the network. */
const loadHub = () => import("../../hub/index.js");

const help = `
An interrupted download continues where it stopped. The environment variables HF_ENDPOINT, HF_TOKEN, HF_HOME,
HF_HUB_CACHE, HF_HUB_OFFLINE, HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. The token goes only to the hub, or to
the host of HF_ENDPOINT.

Examples:
  nishiki pull org/name
  nishiki pull org/name --variant full
  nishiki pull org/name --file style.safetensors
  nishiki pull DeepFloyd/IF-II-M-v1.0 --without text_encoder
`;

export function addPullCommand(program: Command): void {
  program
    .command("pull")
    .description("download a model into the hub's cache")
    .argument("<name>", "repository on the hub, org/name")
    .option("--revision <name>", "branch, tag or commit", "main")
    .addOption(
      new Option("--variant <form>", "form of the weights, if there are several")
        .choices(["fp16", "full"])
        .default("fp16"),
    )
    .option("--file <path>", "single file to download: a checkpoint, a LoRA, an embedding")
    .option(
      "--without <part>",
      "part of the model to leave out, such as text_encoder, where another model has it; may be repeated",
      (part: string, parts: readonly string[] = []) => [...parts, part],
    )
    .option("--json", "print the result as JSON")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(run);
}

async function run(name: string, { quiet = false, json = false, ...choice }: Options): Promise<void> {
  const { pullModel, readHubEnvironment } = await loadHub();
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  const environment = await readHubEnvironment();
  const started = performance.now();
  let first: number | undefined;
  try {
    const pulled = await pullModel(name, {
      ...choice,
      environment,
      signal: stop.signal,
      onPlan: (plan) => tellPlan(progress, plan),
      onProgress: (done, total) => {
        first ??= done;
        const perMillisecond = (done - first) / (performance.now() - started);
        const left = perMillisecond > 0 ? (total - done) / perMillisecond / 1000 : undefined;
        const rate = perMillisecond > 0 ? `, ${formatBytes(perMillisecond * 1000)}/s` : "";
        progress.show(
          `${formatBytes(done)} of ${formatBytes(total)}${rate}`,
          Math.round((100 * done) / total),
          100,
          left,
        );
      },
    });
    progress.clear();
    await (json ? print(`${JSON.stringify({ name, ...pulled })}\n`) : printPath(pulled.path));
  } finally {
    progress.clear();
    stop.release();
  }
}

function tellPlan(progress: Progress, plan: PullPlan): void {
  const { repository, files, total, missing, cache, terms, page } = plan;
  if (terms.licence !== undefined) progress.say(`Licence of ${repository}: ${terms.licence}`);
  if (terms.isGated)
    progress.say(
      `${repository} can be downloaded once its terms are accepted on ${page}, with a token in HF_TOKEN`,
    );
  const all = `${files.length} files, ${formatBytes(total)}`;
  const rest = missing === 0 ? "all there" : `${formatBytes(missing)} to download`;
  progress.say(`${repository}: ${all}, ${rest}, into ${cache}`);
}
