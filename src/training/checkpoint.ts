// A run on disk: one checkpoint that is replaced as a whole, so that a run killed at any moment has a good
// one. Tensors by name: a parameter's own name, `adam.m.NAME` and `adam.v.NAME` or `muon.NAME` (optimizer
// state), and `average.NAME` (moving average: what a model is made of).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { openSafetensors, type SafetensorsFile, writeSafetensors } from "../checkpoint/node.js";
import type { HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { fingerprintDifferences, hasSetting, readFingerprint, writeFingerprint } from "./fingerprint.js";
import type { State } from "./initial-state.js";
import type { StepProgram } from "./step-program.js";

export { initialState, type State } from "./initial-state.js";

export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  readonly state: State;
  /**
   * Workers and threads that computed it, on which the last bits depend. Checkpoints of the first version do
   * not say.
   */
  readonly computedIn?: string;
}

export function checkpointPath(folder: string): string {
  return join(folder, "checkpoint.safetensors");
}

/** A state as what is written to a file. */
export function tensorsOf(state: HostTensors) {
  return Object.entries(state).map(([name, { shape, data }]) => ({
    name,
    dtype: "f32" as const,
    shape: [...shape],
    data: data as Float32Array,
  }));
}

/** @param fingerprint What must be the same for the run to go on: network, data, optimizer, seed. */
export async function saveCheckpoint(
  folder: string,
  { step, state, computedIn }: Checkpoint,
  fingerprint: string,
): Promise<void> {
  const metadata = {
    step: String(step),
    fingerprint,
    crc32: checksum(state),
    ...(computedIn ? { computedIn } : {}),
  };
  await writeSafetensors(checkpointPath(folder), tensorsOf(state), metadata);
}

/** Of names and bytes. A disk's flipped bit would otherwise go on into the model unseen. */
function checksum(state: State): string {
  let sum = 0;
  for (const name of Object.keys(state).sort()) sum = crc32(state[name]!.data, crc32(name, sum));
  return sum.toString(16).padStart(8, "0");
}

/**
 * Refuses a folder in which a run has begun: what costs hours is not begun anew by mistake.
 * @throws NishikiError "training"
 */
export async function refuseBegun(folder: string): Promise<void> {
  if (!existsSync(checkpointPath(folder))) return;
  const step = stepOf(await openDamaged(checkpointPath(folder)));
  throw new NishikiError(
    "training",
    `${folder} already holds a run at step ${step}: add --resume to go on with it, or choose another folder.`,
  );
}

const frozenUnknown =
  "The checkpoint is of an older version, which did not record the frozen networks that a run uses: the run goes on with " +
  "those that are there now. If one of them was retrained since, begin the run anew.";

/**
 * @param onNotice Receives what a person should know and what does not keep the run from going on.
 * @returns undefined where the folder has no checkpoint.
 * @throws NishikiError "training" where it belongs to another run, naming what differs; "checkpoint" where it
 * is damaged.
 */
export async function loadCheckpoint(
  folder: string,
  { parameters, state }: StepProgram,
  fingerprint: string,
  onNotice?: (message: string) => void,
): Promise<Checkpoint | undefined> {
  const path = checkpointPath(folder);
  if (!existsSync(path)) return undefined;
  const file = await openDamaged(path);
  const wanted = [...parameters, ...state];
  checkBelongs(file, wanted, folder, fingerprint);
  const loaded: State = {};
  for (const { name, shape } of wanted) {
    loaded[name] = { dtype: "f32", shape, data: await file.readFloat32(name) };
  }
  // Checkpoints of the first version have no checksum.
  const { crc32: expected } = file.metadata;
  if (expected !== undefined && expected !== checksum(loaded)) {
    throw new NishikiError("checkpoint", `The checkpoint is damaged: ${path} has wrong bytes. ${cureDamage}`);
  }
  if (lacksFrozen(file.metadata.fingerprint, fingerprint)) onNotice?.(frozenUnknown);
  return { step: stepOf(file), state: loaded, computedIn: file.metadata.computedIn };
}

const cureDamage = "Put back a copy of it, or delete it and begin anew.";

/** A file whose header cannot be read is told with what can be done about it. */
async function openDamaged(path: string): Promise<SafetensorsFile> {
  try {
    return await openSafetensors(path);
  } catch (cause) {
    if (!(cause instanceof NishikiError) || cause.code !== "checkpoint") throw cause;
    throw new NishikiError("checkpoint", `The checkpoint is damaged: ${cause.message} ${cureDamage}`, {
      cause,
    });
  }
}

function stepOf({ path, metadata }: SafetensorsFile): number {
  const step = Number(metadata.step ?? Number.NaN);
  if (Number.isSafeInteger(step) && step >= 0) return step;
  throw new NishikiError("checkpoint", `${path} does not say how many steps were done. ${cureDamage}`);
}

/** Whether a run has frozen networks of which its checkpoint says nothing: one of an earlier version. */
function lacksFrozen(there = "", here: string): boolean {
  return hasSetting(here, "frozen") && readFingerprint(there) !== undefined && !hasSetting(there, "frozen");
}

function checkBelongs(
  file: SafetensorsFile,
  wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
  folder: string,
  fingerprint: string,
): void {
  const there = file.metadata.fingerprint ?? "";
  const comparable = lacksFrozen(there, fingerprint)
    ? writeFingerprint({ ...readFingerprint(fingerprint), frozen: undefined })
    : fingerprint;
  const reasons = fingerprintDifferences(there, comparable);
  for (const { name, shape } of wanted) {
    const there = file.tensors.get(name)?.shape;
    if (there?.join() === shape.join()) continue;
    reasons.push(
      `"${name}" is ${there ? `[${there.join(", ")}]` : "missing"} there and [${shape.join(", ")}] here`,
    );
  }
  if (reasons.length === 0) return;
  const most = 4;
  const more = reasons.length > most ? ` (and ${reasons.length - most} more)` : "";
  throw new NishikiError(
    "training",
    `The checkpoint in ${folder} belongs to another run: ${reasons.slice(0, most).join("; ")}${more}. ` +
      "Use the config that it was made with, or another folder.",
  );
}
