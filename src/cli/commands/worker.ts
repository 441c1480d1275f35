// nishiki worker: draws jobs of a server on another machine.
import { delimiter } from "node:path";
import type { Command } from "commander";
import { expandHome } from "../../checkpoint/node.js";
import { NishikiError, showText } from "../../errors.js";
import type { WorkerProgress } from "../../server/node.js";
import { listenForStop } from "../stop.js";

interface Options {
  readonly database?: string;
  readonly models?: readonly string[];
}

const help = `
A server and any number of workers share the jobs of one Postgres. A worker needs nothing else but the models: images
travel through the database. It takes only jobs whose model, LoRAs and embeddings it has, under the same names.

Examples:
  NISHIKI_DATABASE_URL=postgres://nishiki:secret@server/nishiki nishiki worker
  nishiki worker --models ~/checkpoints
`;

export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("draw the jobs of a server on another machine")
    .option("--database <url>", "postgres://… of the server (default: $NISHIKI_DATABASE_URL)")
    .option("--models <folders...>", "folders of models, LoRAs and embeddings (default: $NISHIKI_MODELS)")
    .addHelpText("after", help)
    .action(work);
}

const say = (text: string) => void process.stderr.write(`${text}\n`);

/** Says each trouble once until something works again. */
function makeSayer(): (progress: WorkerProgress) => void {
  let trouble: string | undefined;
  return (progress) => {
    if (progress.kind === "trouble") {
      if (progress.message !== trouble) say(progress.message);
      trouble = progress.message;
      return;
    }
    if (trouble !== undefined) say("The job database answers again.");
    trouble = undefined;
    const { id, modelName, request } = progress.job;
    if (progress.kind === "started") {
      const prompt = showText(String(request.prompt ?? "")).slice(0, 80);
      return say(`${id}: "${prompt}" with ${showText(modelName)}`);
    }
    const { state, error } = progress.outcome;
    say(
      `${id}: ${state} after ${progress.seconds.toFixed(1)} s${error ? `: ${showText(error.message)}` : ""}`,
    );
  };
}

async function work(options: Options): Promise<void> {
  const databaseUrl = options.database ?? process.env.NISHIKI_DATABASE_URL;
  if (!databaseUrl)
    throw new NishikiError(
      "usage",
      "A worker needs the address of the server's Postgres: set NISHIKI_DATABASE_URL or --database.",
    );
  const { openWorker } = await import("../../server/node.js");
  const models = options.models ?? process.env.NISHIKI_MODELS?.split(delimiter).filter(Boolean);
  const stop = listenForStop();
  try {
    const worker = await openWorker({
      databaseUrl,
      ...(models && { models: models.map(expandHome) }),
      onProgress: makeSayer(),
      signal: stop.signal,
    });
    say(
      `Waiting for jobs; this worker has ${worker.has.map((id) => showText(id)).join(", ")}. Ctrl-C stops it.`,
    );
    if (!stop.signal.aborted)
      await new Promise<void>((resolve) =>
        stop.signal.addEventListener("abort", () => resolve(), { once: true }),
      );
    say("Stopping; a job that is not finished goes back to the queue.");
    await worker.close();
  } finally {
    stop.release();
  }
}
