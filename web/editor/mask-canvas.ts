// The mask as a canvas of the image's size: opaque where it is redrawn. Strokes are painted as they come; undo paints again from
// a copy that is made now and then.
import { fileUrl } from "../api/client.js";
import type { Operation, StrokePoint } from "./history.js";
import { getSegments } from "./strokes.js";
import type { Size } from "./viewport.js";

/** Operations between two copies. */
const copyInterval = 20;
const mostCopies = 4;

const makeCanvas = ({ width, height }: Size): HTMLCanvasElement =>
  Object.assign(document.createElement("canvas"), { width, height });

interface Copy {
  readonly operations: readonly Operation[];
  readonly canvas: HTMLCanvasElement;
}

/** Whether the second list begins with all of the first. Operations are never changed, so they are compared as objects. */
const startsWith = (list: readonly Operation[], start: readonly Operation[]) =>
  start.length <= list.length && start.every((operation, i) => operation === list[i]);

export class MaskCanvas {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #pictures = new Map<string, CanvasImageSource | null>();
  #drawn: readonly Operation[] = [];
  #copies: Copy[] = [];

  readonly #colour: string;
  readonly #onLoad: () => void;

  /**
   * @param colour Colour of the mask on the screen.
   * @param onLoad Called when a mask from the server has arrived.
   */
  constructor(size: Size, colour: string, onLoad: () => void) {
    this.canvas = makeCanvas(size);
    this.#context = this.canvas.getContext("2d")!;
    this.#colour = colour;
    this.#onLoad = onLoad;
  }

  /** Paints what these operations make. */
  show(operations: readonly Operation[]): void {
    if (!startsWith(operations, this.#drawn)) {
      this.#copies = this.#copies.filter((copy) => startsWith(operations, copy.operations));
      this.#restart(this.#copies.at(-1));
    }
    for (let i = this.#drawn.length; i < operations.length; i++) {
      this.#paint(operations[i]!);
      this.#drawn = operations.slice(0, i + 1);
      if (this.#drawn.length % copyInterval === 0) this.#copy();
    }
    this.#drawn = operations;
  }

  /** Paints a part of a stroke that goes on. `show` follows, after `forget` if the stroke is given up. */
  paintStroke(points: readonly StrokePoint[], size: number, erases: boolean): void {
    const context = this.#context;
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    context.strokeStyle = this.#colour;
    context.lineCap = "round";
    for (const { from, to, width } of getSegments(points, size)) {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    }
    context.globalCompositeOperation = "source-over";
  }

  /** A stroke that was painted live is not wanted: the next `show` starts anew. */
  forget(): void {
    this.#restart(this.#copies.at(-1));
  }

  /** The mask as a file: white is redrawn, black is kept. */
  async toBlob(): Promise<Blob> {
    const { width, height } = this.canvas;
    const white = makeCanvas({ width, height });
    const context = white.getContext("2d")!;
    context.drawImage(this.canvas, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    return new Promise((resolve, reject) => {
      white.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error("The canvas gave no picture."))),
        "image/png",
      );
    });
  }

  #restart(copy: Copy | undefined): void {
    this.#context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (copy) this.#context.drawImage(copy.canvas, 0, 0);
    this.#drawn = copy?.operations ?? [];
  }

  #copy(): void {
    const canvas = makeCanvas(this.canvas);
    canvas.getContext("2d")!.drawImage(this.canvas, 0, 0);
    this.#copies = [...this.#copies, { operations: this.#drawn, canvas }].slice(-mostCopies);
  }

  #paint(operation: Operation): void {
    const context = this.#context;
    const { width, height } = this.canvas;
    context.fillStyle = this.#colour;
    if (operation.kind === "stroke") this.paintStroke(operation.points, operation.size, operation.erases);
    else if (operation.kind === "mask") this.#paintMask(operation.id);
    else if (operation.kind === "clear") context.clearRect(0, 0, width, height);
    else {
      // "xor" inverts: what was opaque becomes empty, and what was empty opaque.
      context.globalCompositeOperation = operation.kind === "invert" ? "xor" : "source-over";
      context.fillRect(0, 0, width, height);
      context.globalCompositeOperation = "source-over";
    }
  }

  #paintMask(id: string): void {
    const picture = this.#pictures.get(id);
    this.#context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (picture) this.#context.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    if (picture !== undefined) return;
    this.#pictures.set(id, null);
    void loadMask(id, this.canvas, this.#colour).then((canvas) => {
      this.#pictures.set(id, canvas);
      this.#copies = [];
      this.#restart(undefined);
      this.#onLoad();
    });
  }
}

/** A mask's file as a canvas that is opaque where the file is white. */
async function loadMask(id: string, size: Size, colour: string): Promise<HTMLCanvasElement> {
  const canvas = makeCanvas(size);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const picture = new Image();
  picture.src = fileUrl(id);
  await picture.decode().catch(() => undefined);
  if (picture.naturalWidth === 0) return canvas;
  context.drawImage(picture, 0, 0, size.width, size.height);
  const pixels = context.getImageData(0, 0, size.width, size.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i]! >= 128 ? 255 : 0;
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, size.width, size.height);
  return canvas;
}
