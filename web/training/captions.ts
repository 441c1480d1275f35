// Pictures to train on, and their captions: from a text file of the same name beside each picture, else from the name of the
// file or folder.

export interface NamedFile {
  readonly name: string;
  /** Path within a dropped or chosen folder, such as "cats/tabby 1.png"; "" for a single file. */
  readonly path: string;
}

const base = (name: string) => name.replace(/\.[^.]*$/, "");
const isPicture = (name: string) => /\.(png|jpe?g|webp)$/i.test(name);

/** "tabby_cat-03 (1)" → "tabby cat". A name that says nothing, such as IMG_1234, gives "". */
export function captionFromName(name: string): string {
  const words = base(name)
    .replace(/[_\-.]+/g, " ")
    .replace(/\(\d+\)/g, " ")
    .replace(/\b\d+\b/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return /^(img|dsc|dscn|dscf|pxl|image|photo|screenshot|untitled|[0-9a-f]{12,})?$/i.test(words) ? "" : words;
}

export interface Pair<F extends NamedFile> {
  readonly picture: F;
  /** The text file with its caption. */
  readonly captionFile: F | undefined;
  /** The caption if there is no such file. */
  readonly guess: string;
}

/** Pairs pictures with the text files of the same name, sorted by path. */
export function pairCaptions<F extends NamedFile>(files: readonly F[]): readonly Pair<F>[] {
  const keyOf = ({ name, path }: F) => base(path || name);
  const texts = new Map(
    files.filter(({ name }) => /\.(txt|caption)$/i.test(name)).map((file) => [keyOf(file), file]),
  );
  const pictures = files.filter(({ name }) => isPicture(name) && !name.startsWith("."));
  return pictures
    .sort((a, b) => (a.path || a.name).localeCompare(b.path || b.name, undefined, { numeric: true }))
    .map((picture) => {
      const folder = picture.path.split("/").slice(0, -1).at(-1) ?? "";
      const guess = captionFromName(picture.name) || captionFromName(`${folder}.`);
      return { picture, captionFile: texts.get(keyOf(picture)), guess };
    });
}
