// Where the feed's tiles stand. Blocks (the tiles of one job) fill lines, newest first; each line's tiles have one height, which is
// stretched so that the line is full. Blocks above the anchor are packed from the anchor upwards, so that a new job never moves
// a line below it.

export interface Block {
  readonly key: string;
  readonly tiles: number;
  /** Width divided by height of a tile. */
  readonly aspect: number;
  /** A block that is one piece of this height and takes whole lines. */
  readonly fixedHeight?: number;
}

/** Some tiles of a block on one line. */
export interface Part {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Whether the block's caption stands above: on its first line. */
  readonly hasCaption: boolean;
}

export interface Line {
  readonly y: number;
  readonly height: number;
  readonly parts: readonly Part[];
}

export interface Layout {
  readonly lines: readonly Line[];
  readonly height: number;
}

export interface Measures {
  readonly width: number;
  readonly tileHeight: number;
  /** Between tiles of a block. */
  readonly gap: number;
  /** Between blocks, in both directions. */
  readonly blockGap: number;
  readonly captionHeight: number;
}

interface Row {
  readonly blocks: readonly Block[];
  /** The tiles of a block that has rows of its own; all tiles otherwise. */
  readonly from: number;
  readonly to: number;
  readonly perRow?: number;
}

/** Lines are stretched up to this factor; beyond it they stay as they are, not full. */
const mostStretch = 1.45;

const getTileWidth = (block: Block, { tileHeight, width }: Measures) =>
  Math.min(width, Math.max(0.4, Math.min(2.5, block.aspect)) * tileHeight);

const getBlockWidth = (block: Block, measures: Measures) =>
  block.tiles * (getTileWidth(block, measures) + measures.gap) - measures.gap;

/** Fills rows with blocks in their order. */
function fillRows(blocks: readonly Block[], measures: Measures): Row[] {
  const rows: Row[] = [];
  let current: Block[] = [];
  let used = 0;
  const endRow = () => {
    if (current.length > 0) rows.push({ blocks: current, from: 0, to: Number.POSITIVE_INFINITY });
    current = [];
    used = 0;
  };
  for (const block of blocks) {
    const width = getBlockWidth(block, measures);
    if (block.fixedHeight !== undefined || width > measures.width) {
      endRow();
      rows.push(...splitBlock(block, measures));
      continue;
    }
    if (current.length > 0 && used + measures.blockGap + width > measures.width + 0.5) endRow();
    used += width + (current.length > 0 ? measures.blockGap : 0);
    current.push(block);
  }
  endRow();
  return rows;
}

/** A block that needs rows of its own. */
function splitBlock(block: Block, measures: Measures): Row[] {
  if (block.fixedHeight !== undefined) return [{ blocks: [block], from: 0, to: 1 }];
  const perRow = Math.max(
    1,
    Math.floor((measures.width + measures.gap) / (getTileWidth(block, measures) + measures.gap)),
  );
  // Four tiles where three fit are two rows of two.
  const rowCount = Math.ceil(block.tiles / perRow);
  const even = rowCount === 2 ? Math.ceil(block.tiles / 2) : perRow;
  return Array.from({ length: Math.ceil(block.tiles / even) }, (_, row) => ({
    blocks: [block],
    from: row * even,
    to: Math.min(block.tiles, (row + 1) * even),
    perRow: even,
  }));
}

/** The rows above the anchor: filled from the bottom, so that only the topmost changes when a block is added. */
function fillRowsUpwards(blocks: readonly Block[], measures: Measures): Row[] {
  const rows = fillRows(blocks.toReversed(), measures).map((row) => ({
    ...row,
    blocks: row.blocks.toReversed(),
  }));
  const upwards = rows.toReversed();
  // The rows of one block keep their order.
  return upwards
    .map((row, index) => ({ row, index }))
    .sort((a, b) => (a.row.blocks[0] === b.row.blocks[0] ? a.row.from - b.row.from : a.index - b.index))
    .map(({ row }) => row);
}

function getStretch({ blocks, perRow }: Row, measures: Measures): number {
  const { gap, blockGap, width } = measures;
  const counts = blocks.map((block) => perRow ?? block.tiles);
  const tiles = blocks.reduce((sum, block, index) => sum + counts[index]! * getTileWidth(block, measures), 0);
  const gaps = counts.reduce((sum, count) => sum + (count - 1) * gap, 0) + (blocks.length - 1) * blockGap;
  const stretch = (width - gaps) / tiles;
  return stretch <= mostStretch || perRow !== undefined ? Math.min(stretch, 2) : 1;
}

function placeRow(row: Row, y: number, measures: Measures): Line {
  const [first] = row.blocks;
  const hasCaption = row.from === 0;
  const caption = hasCaption ? measures.captionHeight : 0;
  if (first?.fixedHeight !== undefined) {
    const part = { key: first.key, from: 0, to: 1, x: 0, y, width: measures.width, hasCaption };
    const size = { tileWidth: measures.width, tileHeight: first.fixedHeight };
    return { y, height: first.fixedHeight + caption, parts: [{ ...part, ...size }] };
  }
  const stretch = getStretch(row, measures);
  const tileHeight = measures.tileHeight * stretch;
  let x = 0;
  const parts = row.blocks.map((block) => {
    const to = Math.min(row.to, block.tiles);
    const tileWidth = getTileWidth(block, measures) * stretch;
    const width = (to - row.from) * (tileWidth + measures.gap) - measures.gap;
    const part = { key: block.key, from: row.from, to, x, y, width, tileWidth, tileHeight, hasCaption };
    x += width + measures.blockGap;
    return part;
  });
  return { y, height: tileHeight + caption, parts };
}

/**
 * Places blocks in lines.
 * @param anchor Number of blocks above the anchor: those that came since the feed was laid out first.
 */
export function layOut(blocks: readonly Block[], measures: Measures, anchor = 0): Layout {
  if (measures.width <= 0) return { lines: [], height: 0 };
  const rows = [
    ...fillRowsUpwards(blocks.slice(0, anchor), measures),
    ...fillRows(blocks.slice(anchor), measures),
  ];
  const lines: Line[] = [];
  let y = 0;
  for (const [index, row] of rows.entries()) {
    const line = placeRow(row, y, measures);
    lines.push(line);
    const next = rows[index + 1];
    y += line.height + (next && next.from > 0 ? measures.gap : measures.blockGap);
  }
  return { lines, height: Math.max(0, y - measures.blockGap) };
}

/** The lines that touch a part of the height: [first, last + 1]. */
export function findLines({ lines }: Layout, top: number, bottom: number): readonly [number, number] {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const line = lines[middle]!;
    if (line.y + line.height < top) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < lines.length && lines[end]!.y <= bottom) end++;
  return [low, end];
}
