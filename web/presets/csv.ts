// Comma-separated values (RFC 4180): fields in quotes may hold commas, quotes (doubled) and line ends.

/** Rows of fields. Empty lines are left out. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let isQuoted = false;
  const end = () => {
    row.push(field);
    field = "";
  };
  const endRow = () => {
    end();
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  };
  const clean = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  for (let i = 0; i < clean.length; i++) {
    const character = clean[i]!;
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (clean[i + 1] === '"') field += clean[i++];
      else isQuoted = false;
    } else if (character === '"' && field.trim() === "") {
      isQuoted = true;
      field = "";
    } else if (character === ",") end();
    else if (character === "\n") endRow();
    else field += character;
  }
  endRow();
  return rows;
}

/** Splits "a, b, "c, d"" at the commas outside quotes; fields are trimmed, empty ones left out. */
export const splitList = (text: string): readonly string[] =>
  parseCsv(text.replace(/(^|,)\s+"/g, '$1"'))
    .flat()
    .map((field) => field.trim())
    .filter((field) => field !== "");
