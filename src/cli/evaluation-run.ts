// What `nishiki evaluate` does. Apart from its command, because its libraries are loaded only when it is asked for.
import { NishikiError } from "../errors.js";
import { type EvaluateOptions, evaluate, type SkillScore, writeReport } from "../evaluate/index.js";
import { completeLoadOptions, fileRequestSchema, loadOptionsSchema } from "../pipeline/index.js";
import { loadTrainingConfig } from "../training/index.js";
import { formatSeconds, makeProgress, type Progress } from "./progress.js";
import { pickSettings } from "./setting-options.js";
import { listenForStop } from "./stop.js";
import { print, printPath } from "./terminal.js";

export interface EvaluateCommandOptions extends Readonly<Record<string, unknown>> {
  readonly output: string;
  readonly prompts: number;
  readonly evaluationSeed: number;
  readonly sprites: string;
  readonly classifier?: string;
  /** The former name of the same. */
  readonly judge?: string;
  readonly clip?: string;
  readonly config?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Settings of a request that an evaluation may change. */
export const drawingSettings = [
  "steps",
  "guidance",
  "guidanceRescale",
  "guidanceInterval",
  "sampler",
  "schedule",
  "fast",
];

/** @throws NishikiError what `evaluate` throws */
export async function runEvaluateCommand(
  model: string | undefined,
  options: EvaluateCommandOptions,
): Promise<void> {
  const { output, prompts, evaluationSeed: seed, sprites, config, clip } = options;
  const classifier = options.classifier ?? options.judge;
  const machine = completeLoadOptions({
    ...pickSettings(options, loadOptionsSchema),
    ...(model && { model }),
  });
  const asked = pickSettings(options, fileRequestSchema);
  const request = Object.fromEntries(
    Object.entries(asked).filter(([name]) => drawingSettings.includes(name)),
  );
  const mix = config === undefined ? undefined : await readMix(config);
  const progress = makeProgress(options.quiet ?? false);
  const stop = listenForStop();
  const { signal } = stop;
  try {
    const evaluation = await evaluate({
      machine,
      request,
      output,
      prompts,
      seed,
      sprites,
      signal,
      ...(classifier !== undefined && { classifier }),
      ...(clip !== undefined && { clip }),
      ...(mix && { mix }),
      onProgress: tellProgress(progress),
    });
    progress.clear();
    const files = await writeReport(output, evaluation.report, evaluation.evaluated, evaluation.classes);
    for (const score of evaluation.report.skills) progress.say(describe(score));
    const { clip: scores } = evaluation.report;
    if (scores)
      progress.say(
        `${"CLIP score".padEnd(44)} ${scores.own.toFixed(2)}, with the prompts of other images ${scores.others.toFixed(2)}`,
      );
    if (options.json) await print(`${JSON.stringify(evaluation.report)}\n`);
    else for (const file of Object.values(files)) await printPath(file);
  } catch (error) {
    if (!(error instanceof NishikiError) || error.code !== "aborted") throw error;
    const cure = "the same command goes on";
    throw new NishikiError("aborted", `Stopped; the pictures so far are kept in ${output}: ${cure}.`, {
      cause: error,
    });
  } finally {
    progress.clear();
    stop.release();
  }
}

/** What the model was trained on, from the config of its run. */
async function readMix(path: string): Promise<EvaluateOptions["mix"]> {
  const { data } = await loadTrainingConfig(path);
  if ("scenes" in data) return data.scenes.mix;
  throw new NishikiError(
    "usage",
    `${path}: only models trained on scenes can be evaluated; this config reads a folder.`,
  );
}

function tellProgress(progress: Progress): NonNullable<EvaluateOptions["onProgress"]> {
  let [stage, started, first] = ["", 0, 0];
  return (now, done, of) => {
    if (now !== stage) [stage, started, first] = [now, performance.now(), done];
    const seconds = (performance.now() - started) / 1000;
    const left = done > first ? (seconds / (done - first)) * (of - done) : undefined;
    progress.show(now, done, of, left);
    if (done === of) progress.say(`${now}: ${of} in ${formatSeconds(seconds)}`);
  };
}

function describe({ title, heldOut, share, interval: [low, high], ceiling, ofCeiling }: SkillScore): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)}%`;
  const name = heldOut ? `${title}, held-out pairs` : title;
  const range = `${percent(low)} to ${percent(high)}`;
  return `${name.padEnd(44)} ${percent(share).padStart(6)} (${range}), ${percent(ofCeiling)} of the classifier's ${percent(ceiling)}`;
}
