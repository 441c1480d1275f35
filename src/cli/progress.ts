// A progress line. A terminal redraws it in place; any other output only gets lines for finished work.

import { visible } from "../errors.js";

export interface Progress {
  /** Shows a state of the work; replaced by the next. */
  show(label: string, done: number, of: number, secondsLeft?: number): void;
  /** A permanent line. */
  say(line: string): void;
  /** A permanent line, printed even with --quiet: the result differs from what the user requested. */
  warn(line: string): void;
  /** Removes the state. */
  clear(): void;
}

/** 75 → "1 min 15 s"; 0.4 → "0.4 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** "Image 1 of 3  ━━━━━━━━────────  5/10  1.2 s left" */
export function formatProgress(
  label: string,
  done: number,
  of: number,
  secondsLeft: number | undefined,
  columns: number,
): string {
  const end = `${done}/${of}${secondsLeft === undefined ? "" : `  ${formatSeconds(secondsLeft)} left`}`;
  const width = Math.min(30, columns - label.length - end.length - 5);
  if (width < 5) return `${label}  ${end}`.slice(0, Math.max(1, columns - 1));
  const filled = Math.round((width * done) / of);
  return `${label}  ${"━".repeat(filled)}${"─".repeat(width - filled)}  ${end}`;
}

/** Progress on standard error, which leaves standard output to results. */
export function makeProgress(quiet: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  const tell = (line: string) => void stream.write(`${visible(line)}\n`);
  const nothing = () => {};
  if (quiet) return { show: nothing, say: nothing, warn: tell, clear: nothing };
  if (!stream.isTTY) return { show: nothing, say: tell, warn: tell, clear: nothing };
  const clear = () => void stream.write("\r\x1b[K");
  const say = (line: string) => {
    clear();
    tell(line);
  };
  return {
    clear,
    say,
    warn: say,
    show: (label, done, of, secondsLeft) => {
      // Some terminals say that they have no columns.
      stream.write(`\r\x1b[K${formatProgress(visible(label), done, of, secondsLeft, stream.columns || 80)}`);
    },
  };
}
