// Runs the command line inside the test's own process: fast, for what ends before anything is drawn.
import { runCommandLine } from "../../src/cli/run.js";
import type { CliResult } from "./run-cli.js";

/** Catches what is written to a stream until `release` is called. */
function catchWrites(stream: NodeJS.WriteStream): { text: () => string; release: () => void } {
  const write = stream.write;
  let text = "";
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    const done = rest.at(-1);
    if (typeof done === "function") done();
    return true;
  }) as typeof stream.write;
  return {
    text: () => text,
    release: () => {
      stream.write = write;
    },
  };
}

/** The output and exit code of a command line. One at a time. */
export async function runHere(args: readonly string[]): Promise<CliResult> {
  const caught = [catchWrites(process.stdout), catchWrites(process.stderr)] as const;
  try {
    const code = await runCommandLine(args);
    const [stdout, stderr] = [caught[0].text(), caught[1].text()];
    return { code, stdout, stderr, lines: stdout.split("\n").filter((line) => line !== "") };
  } finally {
    for (const { release } of caught) release();
    process.exitCode = undefined;
  }
}
