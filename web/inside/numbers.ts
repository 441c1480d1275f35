// Numbers in texts.

export const percent = (code: string, share: number, digits = 0) =>
  new Intl.NumberFormat(code, { style: "percent", maximumFractionDigits: digits }).format(share);
export const number = (code: string, value: number, digits = 0) =>
  new Intl.NumberFormat(code, { maximumFractionDigits: digits }).format(value);
