// Append-only files of one JSON object per line. A crash can leave half a line at the end: readers skip it, and the next
// writer begins a new line.
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "../../checkpoint/node.js";
import { isRecord } from "../../schema/index.js";

type Line = Readonly<Record<string, unknown>>;

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** All whole lines of a journal; none if it does not exist. @throws NishikiError "file" */
export async function readJournal(path: string): Promise<Line[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return "";
    throw fileError(error, `read ${path}`);
  });
  const lines: Line[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (isRecord(value)) lines.push(value);
    } catch {
      // Half a line, or a user's edit: the others still count.
    }
  }
  return lines;
}

/** Appends lines and flushes them to the disk. @throws NishikiError "file" */
export async function appendJournal(path: string, lines: readonly object[]): Promise<void> {
  if (lines.length === 0) return;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a+");
    try {
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      await file.appendFile((await endsInLine(file)) ? text : `\n${text}`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}

async function endsInLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(new Uint8Array(1), 0, 1, size - 1);
  return buffer[0] === 10;
}
