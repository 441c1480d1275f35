// What was dropped or pasted: pictures, files of styles, or a text.

export interface Dropped {
  readonly pictures: readonly File[];
  /** Files of styles and lists. */
  readonly styles: readonly File[];
  /** Files that are none of these, by name. */
  readonly unknown: readonly string[];
  readonly text: string;
}

const isPicture = ({ type, name }: File) =>
  /^image\/(png|jpeg|webp)$/.test(type) || (type === "" && /\.(png|jpe?g|webp)$/i.test(name));
const isStyles = ({ type, name }: File) =>
  /\.(json|csv|txt)$/i.test(name) || /^(application\/json|text\/(csv|plain))$/.test(type);

/** Sorts the files; a text counts only where there are none, because browsers add a picture's address as text. */
export function sortFiles(files: readonly File[], text = ""): Dropped {
  const pictures = files.filter(isPicture);
  const styles = files.filter((file) => !isPicture(file) && isStyles(file));
  const unknown = files.filter((file) => !isPicture(file) && !isStyles(file)).map(({ name }) => name);
  return { pictures, styles, unknown, text: files.length > 0 ? "" : text.trim() };
}

/** Whether a drag brings something that the page takes: not a tile of the page itself, which is dragged within it. */
export const takesDrag = (types: readonly string[]): boolean =>
  !types.includes("application/x-nishiki") && (types.includes("Files") || types.includes("text/plain"));
