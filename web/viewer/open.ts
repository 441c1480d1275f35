// Opens and closes the viewer, with the tile growing into it and back.
import { transition } from "../parts/media.js";
import { viewed } from "../store/ui.js";

const name = "viewed-image";

const setName = (element: HTMLElement | null | undefined, value: string) => {
  if (element) element.style.viewTransitionName = value;
};

export const findTile = (id: string) =>
  document.querySelector<HTMLElement>(`.blocks [data-image="${id}"] img`);

/** Shows an image in the viewer. */
export function openViewer(id: string, _from?: HTMLElement): void {
  const tile = findTile(id);
  setName(tile, name);
  transition(() => {
    setName(tile, "");
    viewed.value = id;
  });
}

export function closeViewer(): void {
  const id = viewed.peek();
  if (id === undefined) return;
  let tile: HTMLElement | null = null;
  transition(() => {
    viewed.value = undefined;
    tile = findTile(id);
    tile?.scrollIntoView({ block: "nearest" });
    setName(tile, name);
    setTimeout(() => setName(tile, ""), 300);
  });
}
