// A run's checkpoint, replaced atomically so that a run killed at any moment leaves a good one. Tensor names:
// the parameter's name, `adam.m.NAME` and `adam.v.NAME` or `muon.NAME` (optimizer state), and `average.NAME`
// (moving average, the weights of the finished model).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { openSafetensors, type SafetensorsFile, writeSafetensors } from "../checkpoint/node.js";
import type { HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import {
  fingerprintDifferences,
  hasSetting,
  readFingerprint,
  type Settings,
  writeFingerprint,
} from "./fingerprint.js";
import type { State } from "./initial-state.js";
import type { StepProgram } from "./step-program.js";

export { initialState, type State } from "./initial-state.js";

export interface Checkpoint {
  /** Number of completed steps. */
  readonly step: number;
  readonly state: State;
  /**
   * Workers and threads that computed it; the last bits depend on them. Absent in checkpoints of the first
   * version.
   */
  readonly computedIn?: string;
}

export function checkpointPath(folder: string): string {
  return join(folder, "checkpoint.safetensors");
}

/** A state as tensors for a file. */
export function tensorsOf(state: HostTensors) {
  return Object.entries(state).map(([name, { shape, data }]) => ({
    name,
    dtype: "f32" as const,
    shape: [...shape],
    data: data as Float32Array,
  }));
}

/** @param fingerprint settings that must match to resume: network, data, optimizer, seed */
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

/** CRC-32 of names and bytes. Without it, a bit flipped on disk would silently end up in the model. */
function checksum(state: State): string {
  let sum = 0;
  for (const name of Object.keys(state).sort()) sum = crc32(state[name]!.data, crc32(name, sum));
  return sum.toString(16).padStart(8, "0");
}

/**
 * Refuses a folder that holds a run, so that nobody overwrites hours of work by mistake.
 * @throws NishikiError "training"
 */
export async function refuseBegun(folder: string): Promise<void> {
  if (!existsSync(checkpointPath(folder))) return;
  const step = stepOf(await openDamaged(checkpointPath(folder)));
  throw new NishikiError(
    "training",
    `${folder} already holds a run at step ${step}. Add --resume to continue it, or choose another folder.`,
  );
}

const frozenUnknown =
  "The checkpoint is from a version that did not record a run's frozen networks, so the run continues with the " +
  "present ones. If one of them has been retrained since, start the run again.";

/** The settings of a folder's run; undefined if it has no checkpoint, or one without them. */
export async function readRunSettings(folder: string): Promise<Settings | undefined> {
  if (!existsSync(checkpointPath(folder))) return undefined;
  const { metadata } = await openDamaged(checkpointPath(folder));
  return readFingerprint(metadata.fingerprint ?? "");
}

/**
 * @param onNotice receives warnings
 * @returns undefined if the folder has no checkpoint
 * @throws NishikiError "training" if it belongs to another run, naming the differences; "checkpoint" if it is
 * damaged
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
  const expected = [...parameters, ...state];
  checkBelongs(file, expected, folder, fingerprint);
  const loaded: State = {};
  for (const { name, shape } of expected) {
    loaded[name] = { dtype: "f32", shape, data: await file.readFloat32(name) };
  }
  // Checkpoints of the first version have no checksum.
  const { crc32: recorded } = file.metadata;
  if (recorded !== undefined && recorded !== checksum(loaded)) {
    throw new NishikiError(
      "checkpoint",
      `The checkpoint is damaged: the checksum of ${path} is wrong. ${cureDamage}`,
    );
  }
  if (lacksFrozen(file.metadata.fingerprint, fingerprint)) onNotice?.(frozenUnknown);
  return { step: stepOf(file), state: loaded, computedIn: file.metadata.computedIn };
}

const cureDamage = "Restore a copy, or delete it and start again.";

/** Adds the remedy to the error for an unreadable header. */
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
  throw new NishikiError("checkpoint", `${path} does not record its step. ${cureDamage}`);
}

/** Whether an earlier version wrote the checkpoint without recording the run's frozen networks. */
function lacksFrozen(there = "", here: string): boolean {
  return hasSetting(here, "frozen") && readFingerprint(there) !== undefined && !hasSetting(there, "frozen");
}

function checkBelongs(
  file: SafetensorsFile,
  expected: readonly { readonly name: string; readonly shape: readonly number[] }[],
  folder: string,
  fingerprint: string,
): void {
  const there = file.metadata.fingerprint ?? "";
  const comparable = lacksFrozen(there, fingerprint)
    ? writeFingerprint({ ...readFingerprint(fingerprint), frozen: undefined })
    : fingerprint;
  const reasons = fingerprintDifferences(there, comparable);
  for (const { name, shape } of expected) {
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
      "Use the config that made it, or another folder.",
  );
}
