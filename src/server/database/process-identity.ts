// Which process holds a lock, and whether it still lives. A process id alone is not enough: the system gives it to
// another process after a restart, and in a container every server may be process 1.
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own unit; null where the system does not say. */
  readonly started: string | null;
  /** The machine or container in which its id means something. */
  readonly host: string;
}

/** Field 22 of /proc/PID/stat, after the program's name, which may itself contain spaces and brackets. */
function readStart(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** On Linux the boot and the namespace of process ids, since containers share a kernel and may share a host name. */
function getHost(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

export function getOwnIdentity(): ProcessIdentity {
  return { pid: process.pid, started: readStart(process.pid), host: getHost() };
}

/** Whether a process lives; undefined if it runs on another machine, where that cannot be seen. */
export function isAlive({ pid, started, host }: ProcessIdentity): boolean | undefined {
  if (host !== getHost()) return host.split(" ")[0] === hostname() && isOtherBoot(host) ? false : undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const now = readStart(pid);
  return started === null || now === null || started === now;
}

/** The same machine, and the same namespace, before it was restarted: none of its processes lives any more. */
function isOtherBoot(host: string): boolean {
  const [, boot, namespace] = host.split(" ");
  const [, currentBoot, currentNamespace] = getHost().split(" ");
  return (
    boot !== undefined && currentBoot !== undefined && boot !== currentBoot && namespace === currentNamespace
  );
}
