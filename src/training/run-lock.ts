// One process in a run's folder at a time: two would overwrite each other's checkpoints.
//
// Every process that wants the folder first writes a claim, a file of a name that nobody else uses, and then
// looks for claims of others. Whoever sees a living one withdraws. Of two that begin together at least one
// sees the other, so that never both go on, and removing a dead process's claim cannot remove anybody else's.
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

/** What earlier versions wrote: a process id alone. */
const oldClaim = "running.pid";
const claimPattern = /^running-.*\.lock$/;
/**
 * Milliseconds between signs of life, and after which a process on another machine counts as dead without
 * one.
 */
const [beat, silence] = [10_000, 60_000];
const attempts = 4;

interface Claim {
  readonly pid: number;
  /** When the process began, where the system says so: ids are used again, in containers at once. */
  readonly started?: string;
  /** The machine (or container) in which the id means something. */
  readonly machine?: string;
}

/**
 * Claims a folder for this process. A claim that a killed process left behind is removed.
 * @returns A function that releases the folder.
 * @throws NishikiError "training" where another process trains there, "file"
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
    await pause(10 + 90 * Math.random()); // two that begin together try again at different moments
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

/** Shows signs of life until the folder is released. */
function keep(path: string): () => void {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {} // a claim that somebody deleted is theirs to answer for
  }, beat);
  timer.unref();
  return () => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
}

/** Looks for a living claim besides `own` and removes dead ones. */
function findOther(folder: string, own: string): NishikiError | undefined {
  const names = readdirSync(folder).filter(
    (name) => name !== own && (name === oldClaim || claimPattern.test(name)),
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
  const elsewhere = machine === undefined || machine === thisMachine() ? "" : " of another machine";
  return new NishikiError(
    "training",
    `Process ${pid}${elsewhere} is training in ${folder}: wait for it, stop it, or choose another folder ` +
      `(if no such process trains there, delete ${path}).`,
  );
}

/**
 * @returns undefined for a claim that is gone; for one that is still being written, nothing but that it is
 * there.
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
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it is there, and another user's
  }
}

/** Clock ticks from the system's start to the process's, on Linux (proc(5), field 22 of stat). */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/**
 * Process ids of equal names mean the same: the host, on Linux also its last start and the container's
 * namespace.
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
