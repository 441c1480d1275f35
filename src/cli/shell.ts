// Command lines as text that a shell takes back.

/** An argument as a shell takes it: quoted where it must be. */
export function quoteArgument(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A whole command line: "nishiki train 'my config.json' --resume". Parts that are undefined are left out. */
export function formatCommand(...parts: readonly (string | number | undefined)[]): string {
  const given = parts.filter((part) => part !== undefined);
  return ["nishiki", ...given.map((part) => quoteArgument(String(part)))].join(" ");
}
