// A sweep as one image: the pictures with the axes' labels, painted in the browser.
import { fileUrl } from "../api/client.js";
import type { Job } from "../api/types.js";
import { saveFile } from "../parts/save-file.js";
import type { Grid } from "./cells.js";
import { getAxisTitle } from "./state.js";

/** A canvas that every browser can make. */
const mostPixels = 120_000_000;
const mostSide = 16_000;

const font = (size: number, weight = 500) => `${weight} ${size}px system-ui, sans-serif`;

interface Layout {
  readonly columns: number;
  readonly rows: number;
  readonly tables: number;
  readonly cell: { readonly width: number; readonly height: number };
  readonly left: number;
  readonly top: number;
  readonly gap: number;
  readonly title: number;
  readonly text: number;
}

/** The largest layout that fits on a canvas: cells of at most 512 pixels. */
function makeLayout({ axes }: Grid<Job>, aspect: number): Layout {
  const count = (name: "x" | "y" | "z") => Math.max(axes[name]?.values.length ?? 1, 1);
  const [columns, rows, tables] = [count("x"), count("y"), count("z")];
  for (let side = 512; ; side = Math.floor(side * 0.8)) {
    const text = Math.max(Math.round(side / 18), 11);
    const cell = { width: side, height: Math.round(side / aspect) };
    const layout = {
      columns,
      rows,
      tables,
      cell,
      text,
      gap: Math.max(Math.round(side / 64), 2),
      left: axes.y ? text * 9 : text,
      top: (axes.x ? text * 2.4 : text) + (axes.z ? text * 2.4 : 0),
      title: text * 3.2,
    };
    const { width, height } = getSize(layout);
    if (side < 32 || (width <= mostSide && height <= mostSide && width * height <= mostPixels)) return layout;
  }
}

function getSize({ columns, rows, tables, cell, left, top, gap, title, text }: Layout) {
  return {
    width: Math.round(left + columns * (cell.width + gap) + text),
    height: Math.round(title + tables * (top + rows * (cell.height + gap)) + text),
  };
}

function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, room: number): void {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`;
  context.fillText(shown, x, y);
}

async function loadPicture(id: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = fileUrl(id);
  await picture.decode();
  return picture;
}

async function paint(
  canvas: HTMLCanvasElement,
  grid: Grid<Job>,
  layout: Layout,
  title: string,
): Promise<void> {
  const context = canvas.getContext("2d")!;
  const { columns, rows, tables, cell, left, top, gap, text } = layout;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#1c1c1e";
  context.textBaseline = "middle";
  context.font = font(text * 1.15, 600);
  write(context, title, text, text * 1.6, canvas.width - 2 * text);
  const { x: xAxis, y: yAxis, z: zAxis } = grid.axes;
  for (let z = 0; z < tables; z++) {
    const start = layout.title + z * (top + rows * (cell.height + gap));
    context.font = font(text, 600);
    if (zAxis)
      write(
        context,
        `${getAxisTitle(zAxis.path)}: ${zAxis.values[z]}`,
        text,
        start + text * 1.2,
        canvas.width,
      );
    context.font = font(text);
    for (let x = 0; x < columns && xAxis; x++) {
      const at = left + x * (cell.width + gap);
      write(
        context,
        `${x === 0 ? `${getAxisTitle(xAxis.path)}: ` : ""}${xAxis.values[x]}`,
        at,
        start + top - text * 1.1,
        cell.width,
      );
    }
    for (let y = 0; y < rows; y++) {
      const at = start + top + y * (cell.height + gap);
      if (yAxis)
        write(
          context,
          `${y === 0 ? `${getAxisTitle(yAxis.path)}: ` : ""}${yAxis.values[y]}`,
          text,
          at + cell.height / 2,
          left - text * 1.5,
        );
      for (let x = 0; x < columns; x++) {
        const image = grid.at(x, y, z)?.images[0];
        if (!image) continue;
        const picture = await loadPicture(image.id);
        const scale = Math.min(cell.width / picture.width, cell.height / picture.height);
        const [width, height] = [picture.width * scale, picture.height * scale];
        const cellX = left + x * (cell.width + gap) + (cell.width - width) / 2;
        context.drawImage(picture, cellX, at + (cell.height - height) / 2, width, height);
      }
    }
  }
}

/** Saves the grid as a PNG file. */
export async function exportGrid(grid: Grid<Job>, aspect: number, title: string): Promise<void> {
  const layout = makeLayout(grid, aspect);
  const canvas = Object.assign(document.createElement("canvas"), getSize(layout));
  await paint(canvas, grid, layout, title);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/png");
  });
  if (!blob) throw new Error("The canvas gave no picture.");
  saveFile(`${title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "sweep"}-grid.png`, blob);
}
