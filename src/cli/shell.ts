// Formats command lines for pasting into a shell.

/** Quotes an argument for a shell, if necessary. */
export function quoteArgument(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A whole command line: "nishiki train 'my config.json' --resume". Parts that are undefined are left out. */
export function formatCommand(...parts: readonly (string | number | undefined)[]): string {
  const given = parts.filter((part) => part !== undefined);
  return ["nishiki", ...given.map((part) => quoteArgument(String(part)))].join(" ");
}
