// Arrow keys among the tiles: left and right in reading order, up and down to the nearest tile of the line above or below.
import type { FeedBlock } from "./blocks.js";
import type { Layout, Line } from "./layout.js";

interface Spot {
  readonly id: string;
  readonly line: number;
  readonly centre: number;
}

function getSpots(line: Line, index: number, blocks: ReadonlyMap<string, FeedBlock>): Spot[] {
  return line.parts.flatMap((part) => {
    const ids = blocks.get(part.key)?.images.slice(part.from, part.to) ?? [];
    const pitch = (part.width + 4) / Math.max(1, part.to - part.from);
    return ids.map((id, place) => ({ id, line: index, centre: part.x + (place + 0.5) * pitch }));
  });
}

const nearest = (spots: readonly Spot[], centre: number) =>
  spots.reduce<Spot | undefined>(
    (best, spot) => (!best || Math.abs(spot.centre - centre) < Math.abs(best.centre - centre) ? spot : best),
    undefined,
  );

const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

export function moveFocus(
  event: KeyboardEvent,
  layout: Layout,
  list: readonly FeedBlock[],
  scroller: HTMLElement,
): void {
  const current = (event.target as Element).closest<HTMLElement>("[data-image]")?.dataset.image;
  if (!keys.includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  const target = findTarget(event.key, current, layout, list);
  if (!target) return;
  event.preventDefault();
  focusTile(target.id, layout.lines[target.line]!, scroller);
}

function findTarget(
  key: string,
  current: string | undefined,
  layout: Layout,
  list: readonly FeedBlock[],
): Spot | undefined {
  const blocks = new Map(list.map((block) => [block.key, block]));
  const spots = layout.lines.map((line, index) => getSpots(line, index, blocks));
  const all = spots.flat();
  const place = all.findIndex(({ id }) => id === current);
  // From a caption too.
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  const spot = all[place];
  if (!spot) return undefined;
  const lineAt = (step: number) => {
    for (let line = spot.line + step; line >= 0 && line < spots.length; line += step)
      if (spots[line]!.length > 0) return nearest(spots[line]!, spot.centre);
    return undefined;
  };
  if (key === "ArrowRight") return all[place + 1];
  if (key === "ArrowLeft") return all[place - 1];
  if (key === "ArrowDown") return lineAt(1);
  if (key === "ArrowUp") return lineAt(-1);
  return undefined;
}

/** Scrolls a line into view, which draws it, and gives a tile the focus. */
function focusTile(id: string, line: Line, scroller: HTMLElement): void {
  const list = scroller.querySelector<HTMLElement>(".blocks")!;
  const top = line.y + list.offsetTop;
  if (top < scroller.scrollTop) scroller.scrollTop = Math.max(0, top - 20);
  else if (top + line.height > scroller.scrollTop + scroller.clientHeight)
    scroller.scrollTop = top + line.height - scroller.clientHeight + 20;
  const focus = (tries: number) => {
    const tile = scroller.querySelector<HTMLElement>(`[data-image="${id}"]`);
    if (tile) tile.focus({ preventScroll: true });
    else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
  };
  focus(5);
}
