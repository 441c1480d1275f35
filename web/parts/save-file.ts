// Saves files as downloads.

/** Saves what is at an address under a name. */
export function saveUrl(name: string, url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** Saves what the page has made. */
export function saveFile(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  saveUrl(name, url);
  // The browser may still read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
