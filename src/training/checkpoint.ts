// A run on disk: one checkpoint that is replaced as a whole, so that a run killed at any moment has a good one.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "../checkpoint/node.js";
import type { HostTensor } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import type { Initializer, Parameter } from "../graph/index.js";
import { random } from "../random/index.js";
import type { StepProgram } from "./step-program.js";

export type State = Record<string, HostTensor>;

export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  readonly state: State;
}

export function checkpointPath(folder: string): string {
  return join(folder, "checkpoint.safetensors");
}

/** @param fingerprint What must be the same for the run to go on: network, optimizer, seed. */
export async function saveCheckpoint(
  folder: string,
  { step, state }: Checkpoint,
  fingerprint: string,
): Promise<void> {
  const tensors = Object.entries(state).map(([name, { shape, data }]) => ({
    name,
    dtype: "f32" as const,
    shape: [...shape],
    data: data as Float32Array,
  }));
  await writeSafetensors(checkpointPath(folder), tensors, { step: String(step), fingerprint });
}

/**
 * @returns undefined where the folder has no checkpoint.
 * @throws NishikiError "training" where it belongs to another run.
 */
export async function loadCheckpoint(
  folder: string,
  { parameters, state }: StepProgram,
  fingerprint: string,
): Promise<Checkpoint | undefined> {
  const path = checkpointPath(folder);
  if (!existsSync(path)) return undefined;
  const file = await openSafetensors(path);
  const wanted = [...parameters, ...state];
  const strange = wanted.filter(({ name, shape }) => file.tensors.get(name)?.shape.join() !== shape.join());
  if (file.metadata.fingerprint !== fingerprint || strange.length > 0) {
    const reason = strange[0]
      ? `"${strange[0].name}" is missing or has another shape`
      : "its settings differ";
    throw new NishikiError(
      "training",
      `The checkpoint in ${folder} belongs to another run (${reason}). Use its config, or another folder.`,
    );
  }
  const loaded: State = {};
  for (const { name, shape } of wanted) {
    loaded[name] = { dtype: "f32", shape, data: await file.readFloat32(name) };
  }
  return { step: Number(file.metadata.step), state: loaded };
}

/** The state that a run begins with: parameters as their networks say, averages equal to them, moments zero. */
export function initialState({ parameters, state }: StepProgram, seed: number): State {
  const first: State = {};
  for (const parameter of parameters) first[parameter.name] = initialValue(parameter, seed);
  for (const { name, shape } of state) {
    const source = name.startsWith("average.") ? first[name.slice("average.".length)] : undefined;
    const size = shape.reduce((a, b) => a * b, 1);
    const data = source ? (source.data as Float32Array).slice() : new Float32Array(size);
    first[name] = { dtype: "f32", shape, data };
  }
  return first;
}

function initialValue({ name, shape, init }: Parameter, seed: number): HostTensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  fillInitial(data, init, seed, name);
  return { dtype: "f32", shape, data };
}

function fillInitial(data: Float32Array, init: Initializer, seed: number, name: string): void {
  const numbers = random(seed, "parameter", name);
  switch (init.kind) {
    case "zeros":
      return;
    case "ones":
      data.fill(1);
      return;
    case "normal":
      numbers.fillNormals(data);
      for (let i = 0; i < data.length; i++) data[i]! *= init.deviation;
      return;
    case "uniform":
      for (let i = 0; i < data.length; i++) data[i] = (2 * numbers.uniform() - 1) * init.bound;
  }
}
