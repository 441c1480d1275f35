// A model whose latents can be compared with a reference's.
import type { Model, Stage, StageResult, TransformStage } from "../../src/pipeline/index.js";

/** A model that keeps the numbers of every stage before its last. */
export function listenToStages(model: Model): {
  model: Model;
  results: () => ReadonlyMap<string, Float32Array>;
} {
  let all: ReadonlyMap<string, StageResult> = new Map();
  const prepare: Model["prepare"] = async (settings, runtime) => {
    const plan = await model.prepare(settings, runtime);
    const last = plan.stages.at(-1) as TransformStage;
    const run: TransformStage["run"] = (input, context) => {
      all = new Map(input.results);
      return last.run(input, context);
    };
    return { ...plan, stages: [...plan.stages.slice(0, -1), { ...last, run }] };
  };
  const getNumbers = () =>
    new Map([...all].flatMap(([name, one]) => (one.kind === "values" ? [[name, one.data] as const] : [])));
  const { identity, context } = model;
  return { model: { identity, context, prepare }, results: getNumbers };
}

/** A model that keeps the latents of its base stage. */
export function listen(model: Model): { model: Model; latents: () => Float32Array } {
  let last: Float32Array | undefined;
  const keep = (stage: Stage): Stage => {
    if (stage.kind !== "transform" || stage.name !== "decode") return stage;
    const run: TransformStage["run"] = (input, runtime) => {
      const base = input.results.get("base");
      if (base?.kind === "values") last = base.data;
      return stage.run(input, runtime);
    };
    return { ...stage, run };
  };
  const { identity, context } = model;
  const prepare: Model["prepare"] = async (settings, runtime) => {
    const plan = await model.prepare(settings, runtime);
    return { ...plan, stages: plan.stages.map(keep) };
  };
  return { model: { identity, context, prepare }, latents: () => last! };
}

/** The largest difference as part of the largest expected number. */
export function getError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const most = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / most;
}
