// Draws the editor: the picture in its frame, the mask over it, the frame's handles and the brush.
import { getFrame, getHandlePoint, type Handle, handles, isExtended } from "./frame.js";
import type { Sides } from "./history.js";
import { type Area, type Point, type Size, toScreen, type Viewport } from "./viewport.js";

/** A picture and the area of the frame that it covers. */
export interface Layer {
  readonly picture: CanvasImageSource;
  readonly area: Area;
}

export interface Scene {
  readonly image: Size;
  readonly viewport: Viewport;
  readonly layers: readonly Layer[];
  /** Null while an alternative is looked at. */
  readonly mask: HTMLCanvasElement | null;
  readonly sides: Sides;
  /** Null: the frame cannot be moved now. */
  readonly activeHandle: Handle | "any" | null;
  readonly brush: { readonly at: Point; readonly size: number; readonly erases: boolean } | null;
}

export interface Colours {
  readonly mask: string;
  readonly accent: string;
  readonly ground: string;
  readonly line: string;
}

const cell = 8;

/** A chequered ground, for what is not drawn yet. */
function makeChequers({ ground, line }: Colours): CanvasPattern | string {
  const tile = Object.assign(document.createElement("canvas"), { width: cell * 2, height: cell * 2 });
  const context = tile.getContext("2d")!;
  context.fillStyle = ground;
  context.fillRect(0, 0, cell * 2, cell * 2);
  context.fillStyle = line;
  context.globalAlpha = 0.35;
  context.fillRect(0, 0, cell, cell);
  context.fillRect(cell, cell, cell, cell);
  return context.createPattern(tile, "repeat") ?? ground;
}

export class ScenePainter {
  readonly #context: CanvasRenderingContext2D;
  #chequers: CanvasPattern | string | undefined;

  readonly canvas: HTMLCanvasElement;
  readonly #colours: Colours;

  constructor(canvas: HTMLCanvasElement, colours: Colours) {
    this.canvas = canvas;
    this.#colours = colours;
    this.#context = canvas.getContext("2d")!;
  }

  draw(scene: Scene): void {
    const context = this.#context;
    const ratio = this.canvas.width / Math.max(this.canvas.clientWidth, 1);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { viewport, image, sides } = scene;
    const frame = getFrame(image, sides);
    this.#fillGround(viewport, frame);
    context.imageSmoothingEnabled = viewport.scale < 3;
    context.imageSmoothingQuality = "high";
    for (const { picture, area } of scene.layers) {
      const { x, y } = toScreen(viewport, area);
      context.drawImage(picture, x, y, area.width * viewport.scale, area.height * viewport.scale);
    }
    if (scene.mask) this.#drawMask(scene.mask, viewport, image);
    if (scene.activeHandle !== null) this.#drawFrame(viewport, frame, scene.activeHandle, isExtended(sides));
    if (scene.brush) this.#drawBrush(viewport, scene.brush);
  }

  #fillGround(viewport: Viewport, frame: Area): void {
    this.#chequers ??= makeChequers(this.#colours);
    const { x, y } = toScreen(viewport, frame);
    this.#context.fillStyle = this.#chequers;
    this.#context.fillRect(x, y, frame.width * viewport.scale, frame.height * viewport.scale);
  }

  #drawMask(mask: HTMLCanvasElement, viewport: Viewport, { width, height }: Size): void {
    const { x, y } = toScreen(viewport, { x: 0, y: 0 });
    this.#context.globalAlpha = 0.55;
    this.#context.drawImage(mask, x, y, width * viewport.scale, height * viewport.scale);
    this.#context.globalAlpha = 1;
  }

  #drawFrame(viewport: Viewport, frame: Area, active: Handle | "any", isLarger: boolean): void {
    const context = this.#context;
    const { x, y } = toScreen(viewport, frame);
    context.strokeStyle = isLarger ? this.#colours.accent : this.#colours.line;
    context.lineWidth = 1.5;
    context.strokeRect(x, y, frame.width * viewport.scale, frame.height * viewport.scale);
    for (const handle of handles) {
      const point = toScreen(viewport, getHandlePoint(frame, handle));
      this.#drawHandle(handle, point, handle === active);
    }
  }

  /** Corners are squares, sides are bars along the side. */
  #drawHandle(handle: Handle, { x, y }: Point, isActive: boolean): void {
    const context = this.#context;
    const long = 26;
    const short = 8;
    const isVertical = handle === "e" || handle === "w";
    const width = handle.length === 2 ? 11 : isVertical ? short : long;
    const height = handle.length === 2 ? 11 : isVertical ? long : short;
    context.beginPath();
    context.roundRect(x - width / 2, y - height / 2, width, height, 4);
    context.fillStyle = isActive ? this.#colours.accent : "#fff";
    context.fill();
    context.strokeStyle = "rgb(0 0 0 / 0.55)";
    context.lineWidth = 1;
    context.stroke();
  }

  /** Two rings, one light and one dark, so that it shows on every ground. */
  #drawBrush(viewport: Viewport, { at, size, erases }: NonNullable<Scene["brush"]>): void {
    const context = this.#context;
    const { x, y } = toScreen(viewport, at);
    const radius = Math.max((size / 2) * viewport.scale, 2);
    context.setLineDash(erases ? [4, 3] : []);
    for (const [colour, offset] of [
      ["rgb(0 0 0 / 0.7)", 0.75],
      ["#fff", -0.75],
    ] as const) {
      context.beginPath();
      context.arc(x, y, Math.max(radius + offset, 1), 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
    }
    context.setLineDash([]);
  }
}
