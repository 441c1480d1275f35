// One row of a table of settings: what the library, the command line, the HTTP interface and receipts take from it.
import type { Check } from "./check.js";

/** One row: how a setting is checked, what it is by default, and how the command line takes and explains it. */
export interface Field<T, C> {
  readonly check: Check<T>;
  /** Undefined where the caller must give it, or where "not given" is itself a choice. */
  readonly fallback?: (context: C, given: { readonly [K in string]?: unknown }) => T;
  /** The command line's option, as in "-s, --steps <number>". None for what is no option, the prompt. */
  readonly flag?: string;
  /** Command-line texts become numbers or stay texts. Default: text. */
  readonly numeric?: boolean;
  /** The option may be given several times: its values are a list. */
  readonly repeatable?: boolean;
  readonly help: string;
  /** The default in words, for help texts. */
  readonly fallbackWords?: string;
}

export type Fields<T, C> = { readonly [K in keyof T]-?: Field<T[K], C> };
