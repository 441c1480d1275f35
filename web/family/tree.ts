// The family tree of a picture: what it was made from, and what was made from it.
import type { StoredImage } from "../../src/server/api/index.js";

export type Relative = Pick<StoredImage, "id" | "parent" | "created">;

export interface TreeNode<T extends Relative> {
  readonly image: T;
  readonly children: readonly TreeNode<T>[];
}

/** Arranges pictures under their parents, oldest first. Pictures whose parent is not here are roots. */
export function makeTree<T extends Relative>(images: readonly T[]): readonly TreeNode<T>[] {
  const known = new Map(images.map((image) => [image.id, image]));
  const children = new Map<string, T[]>();
  const roots: T[] = [];
  for (const image of [...known.values()].sort((a, b) => a.created.localeCompare(b.created))) {
    const parent = image.parent && known.has(image.parent.image) ? image.parent.image : undefined;
    if (parent === undefined || parent === image.id) roots.push(image);
    else children.set(parent, [...(children.get(parent) ?? []), image]);
  }
  // A file may claim to be its own grandparent: each picture is placed once.
  const placed = new Set<string>();
  const place = (image: T): TreeNode<T> => {
    placed.add(image.id);
    const own = (children.get(image.id) ?? []).filter(({ id }) => !placed.has(id));
    return { image, children: own.map(place) };
  };
  const trees = roots.map(place);
  for (const image of known.values()) if (!placed.has(image.id)) trees.push(place(image));
  return trees;
}

/** How to reach the pictures: from the server, in pages. */
export interface Relations<T extends Relative> {
  image(id: string): Promise<T | undefined>;
  childrenOf(id: string): Promise<readonly T[]>;
}

/** Collects a picture's whole family, up to a number of pictures that can still be looked at. */
export async function collectFamily<T extends Relative>(
  start: T,
  relations: Relations<T>,
  most = 300,
): Promise<{ readonly images: readonly T[]; readonly isComplete: boolean }> {
  let root = start;
  const seen = new Set([start.id]);
  for (let parent = root.parent; parent && !seen.has(parent.image); parent = root.parent) {
    const image = await relations.image(parent.image);
    if (!image) break;
    seen.add(image.id);
    root = image;
  }
  const images = new Map<string, T>([
    [root.id, root],
    [start.id, start],
  ]);
  const open = [root];
  while (open.length > 0 && images.size < most) {
    const next = open.shift()!;
    for (const child of await relations.childrenOf(next.id)) {
      if (images.has(child.id) && child.id !== start.id) continue;
      images.set(child.id, child);
      open.push(child);
    }
    if (open.length > most * 2) break;
  }
  return { images: [...images.values()].slice(0, most), isComplete: open.length === 0 };
}
