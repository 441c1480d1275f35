// Lets one process at a time train in a run's folder: two would overwrite each other's checkpoints.
//
// A process first writes a claim, a file with a unique name, and then looks for other claims. If it sees a
// live one, it withdraws. Of two processes that start together at least one sees the other, so both never
// continue; and because names are unique, removing a dead process's claim cannot remove a live one.
import { randomUUID } from "node:crypto";
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";

/** Written by earlier versions; holds a process id only. */
const oldClaim = "running.pid";
const claimPattern = /^running-.*\.lock$/;
/**
 * Heartbeat interval in milliseconds, and the silence after which a process on another machine counts as
 * dead.
 */
const [beat, silence] = [10_000, 60_000];
const attempts = 4;

interface Claim {
  readonly pid: number;
  /** Start time of the process, if the system reports it: ids are reused, in containers at once. */
  readonly started?: string;
  /** Machine (or container) that the id belongs to. */
  readonly machine?: string;
}

/**
 * Claims a folder for this process. Removes a killed process's claim.
 * @returns a function that releases the folder
 * @throws NishikiError "training" if another process trains there, "file"
 */
export async function lockRun(folder: string): Promise<() => void> {
  for (let attempt = 1; ; attempt++) {
    const name = `running-${process.pid}-${randomUUID().slice(0, 8)}.lock`;
    const path = join(folder, name);
    write(path);
    const other = findOther(folder, name);
    if (other === undefined) return keep(path);
    rmSync(path, { force: true });
    if (attempt === attempts) throw other;
    await pause(10 + 90 * Math.random()); // processes that start together retry at different times
  }
}

function write(path: string): void {
  const claim: Claim = { pid: process.pid, started: startOf(process.pid), machine: thisMachine() };
  try {
    writeFileSync(path, `${JSON.stringify(claim)}\n`, { flag: "wx" });
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}

/** Sends heartbeats until the folder is released. */
function keep(path: string): () => void {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {} // somebody deleted the claim
  }, beat);
  timer.unref();
  return () => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
}

/** Looks for a live claim other than `ownClaim`, and removes dead ones. */
function findOther(folder: string, ownClaim: string): NishikiError | undefined {
  const names = readdirSync(folder).filter(
    (name) => name !== ownClaim && (name === oldClaim || claimPattern.test(name)),
  );
  for (const name of names) {
    const path = join(folder, name);
    const claim = read(path);
    if (!claim) continue;
    if (isAlive(claim, path)) return refusal(folder, path, claim);
    rmSync(path, { force: true });
  }
  return undefined;
}

function refusal(folder: string, path: string, { pid, machine }: Claim): NishikiError {
  const elsewhere = machine === undefined || machine === thisMachine() ? "" : " on another machine";
  return new NishikiError(
    "training",
    `Process ${pid}${elsewhere} is training in ${folder}. Wait for it, stop it, or choose another folder. ` +
      `If no such process exists, delete ${path}.`,
  );
}

/**
 * @returns undefined if the claim is gone; a claim of an unknown machine if it is still being written
 */
function read(path: string): Claim | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "number") return { pid: value, machine: thisMachine() };
    if (typeof value === "object" && value !== null && "pid" in value) return value as Claim;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  }
  return { pid: Number(/\d+/.exec(path.slice(path.lastIndexOf("running")))?.[0] ?? 0), machine: "unknown" };
}

function isAlive({ pid, started, machine }: Claim, path: string): boolean {
  if (machine !== thisMachine()) return isFresh(path);
  if (path.endsWith(oldClaim) && pid === process.pid) return false; // this process writes other claims
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isRunning(pid)) return false;
  const now = startOf(pid);
  return started === undefined || now === undefined || started === now;
}

function isFresh(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs < silence;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only checks for existence
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it exists and belongs to another user
  }
}

/** Start time of a process in clock ticks since boot, on Linux (proc(5), field 22 of stat). */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/**
 * Scope within which process ids are unique: the host; on Linux also its boot and the container's namespace.
 */
function thisMachine(): string {
  const parts = [hostname()];
  try {
    parts.push(
      readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      readlinkSync("/proc/self/ns/pid"),
    );
  } catch {} // not Linux
  return parts.join(" ");
}
