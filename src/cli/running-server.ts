// The link of the server that uses a folder: whoever starts a second one is led to the first.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NishikiError } from "../errors.js";

const pathOf = (folder: string) => join(folder, ".nishiki", "link");

/** Keeps the link, which may hold a token, for this user alone. */
export async function keepLink(folder: string, link: string): Promise<void> {
  // Without it, a second start says that the folder is in use, and nothing else is lost.
  await forgetLink(folder);
  await writeFile(pathOf(folder), `${link}\n`, { mode: 0o600 }).catch(() => {});
}

export async function forgetLink(folder: string): Promise<void> {
  await rm(pathOf(folder), { force: true }).catch(() => {});
}

/** The link of the server whose lock made a start fail; undefined if there is none that answers. */
export async function findRunning(folder: string, error: unknown): Promise<string | undefined> {
  if (!(error instanceof NishikiError) || error.code !== "database") return undefined;
  const link = (await readFile(pathOf(folder), "utf8").catch(() => "")).trim();
  if (!URL.canParse(link)) return undefined;
  // Long, for a server on a busy machine: where there is none, its address refuses at once.
  const answer = await fetch(new URL(link).origin, { signal: AbortSignal.timeout(15_000) }).catch(
    () => undefined,
  );
  return answer?.ok ? link : undefined;
}
