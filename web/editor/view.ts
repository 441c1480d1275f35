// The editor's canvas: what it shows, and what the pointer does on it.
import { batch, effect, type ReadonlySignal, signal } from "@preact/signals";
import {
  drag,
  getFrame,
  getHandlePoint,
  grow,
  type Handle,
  handles,
  isSameSides,
  type Sizes,
} from "./frame.js";
import { getMaskOperations, getSides, type Sides, type StrokePoint } from "./history.js";
import { MaskCanvas } from "./mask-canvas.js";
import { completeSides } from "./request.js";
import { type Colours, type Layer, ScenePainter } from "./scene.js";
import { brushSize, doOperation, type Edit, tool } from "./state.js";
import { thin } from "./strokes.js";
import {
  centre,
  fitView,
  type Point,
  pan,
  pinch,
  toImage,
  toScreen,
  type Viewport,
  zoomAt,
} from "./viewport.js";

/** What the pointer is doing. */
type Gesture =
  | {
      readonly kind: "stroke";
      readonly erases: boolean;
      readonly points: StrokePoint[];
      readonly size: number;
    }
  | { readonly kind: "pan"; last: Point }
  | { readonly kind: "pinch"; last: readonly [Point, Point] }
  | { readonly kind: "frame"; readonly handle: Handle; readonly from: Point; readonly start: Sides };

/** How near to a handle a pointer must be, in CSS pixels. */
const reach = { mouse: 12, pen: 16, touch: 24 } as const;
/** Below this width, the tools stand under the canvas. */
const narrow = 600;
/** Width of the tools over the canvas, with their distance to its edge. */
const toolsWidth = 64;
/** The bit of `buttons` for a pen's other end. */
const penEraser = 32;
const middleButton = 1;

export interface ViewOptions {
  readonly edit: Edit;
  readonly sizes: ReadonlySignal<Sizes>;
  readonly colours: Colours;
  /** The pictures to show, from below to above. */
  readonly layers: ReadonlySignal<readonly Layer[]>;
  /** Whether the mask and the frame can be changed: not while an alternative is looked at. */
  readonly isEditable: ReadonlySignal<boolean>;
  /** The frame to show while it is not editable. */
  readonly shownSides: ReadonlySignal<Sides>;
}

export class EditorView {
  readonly viewport = signal<Viewport>({ scale: 1, x: 0, y: 0 });
  readonly isPanning = signal(false);
  readonly mask: MaskCanvas;
  readonly #options: ViewOptions;
  readonly #painter: ScenePainter;
  readonly #size = signal({ width: 1, height: 1 });
  readonly #maskVersion = signal(0);
  /** The frame while it is dragged. */
  readonly #dragged = signal<Sides | null>(null);
  /** Where the brush is, in the image's pixels; null: not on the canvas. */
  readonly #cursor = signal<Point | null>(null);
  readonly #hovered = signal<Handle | null>(null);
  readonly #pointers = new Map<number, Point>();
  readonly #stops: (() => void)[] = [];
  #gesture: Gesture | undefined;
  #isFitted = true;

  constructor(canvas: HTMLCanvasElement, options: ViewOptions) {
    this.#options = options;
    this.#painter = new ScenePainter(canvas, options.colours);
    this.mask = new MaskCanvas(options.edit.image, options.colours.mask, () => this.#refreshMask());
    this.#listen(canvas);
    this.#stops.push(effect(() => this.#refreshMask()));
    let frame = 0;
    this.#stops.push(
      effect(() => {
        const scene = this.#getScene();
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => this.#painter.draw(scene));
      }),
      () => cancelAnimationFrame(frame),
    );
    // The frame of another alternative is another area to look at.
    this.#stops.push(
      effect(() => {
        void this.#shownSides();
        if (this.#isFitted && !this.#dragged.peek()) this.fit();
      }),
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  // What the tools do.

  fit(): void {
    this.#isFitted = true;
    const area = getFrame(this.#options.edit.image, this.#shownSides(true));
    const { width, height } = this.#size.peek();
    // On a desk the tools lie over the canvas's edge; the picture keeps clear of them.
    const tools = width < narrow ? 0 : toolsWidth;
    const viewport = fitView(area, { width: width - tools, height }, width < narrow ? 24 : 40);
    this.viewport.value = pan(viewport, tools, 0);
  }

  zoomTo(scale: number): void {
    this.#isFitted = false;
    const area = getFrame(this.#options.edit.image, this.#shownSides(true));
    this.viewport.value = centre(area, this.#size.peek(), scale);
  }

  zoomBy(factor: number): void {
    const { width, height } = this.#size.peek();
    this.#zoomAt({ x: width / 2, y: height / 2 }, factor);
  }

  growFrame(side: keyof Sides): void {
    const { edit, sizes } = this.#options;
    const start = getSides(edit.history.peek());
    this.#setSides(grow(start, side, edit.image, sizes.peek()));
  }

  resetFrame(): void {
    this.#setSides({ left: 0, right: 0, top: 0, bottom: 0 });
  }

  /** Moves the brush from the keyboard, by CSS pixels. */
  moveCursor(dx: number, dy: number): void {
    const { image } = this.#options.edit;
    const at = this.#cursor.peek() ?? { x: image.width / 2, y: image.height / 2 };
    const { scale } = this.viewport.peek();
    const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
    this.#cursor.value = {
      x: clamp(at.x + dx / scale, image.width),
      y: clamp(at.y + dy / scale, image.height),
    };
  }

  /** Paints a dot where the brush is. */
  dab(): void {
    const at = this.#cursor.peek();
    if (!at || !this.#options.isEditable.peek()) return;
    const erases = tool.peek() === "eraser";
    this.#addStroke([{ ...at, pressure: 1 }], brushSize.peek(), erases);
  }

  hideCursor(): void {
    this.#cursor.value = null;
  }

  // Scene.

  #shownSides(peeks = false): Sides {
    const { edit, isEditable, shownSides } = this.#options;
    if (peeks) return isEditable.peek() ? getSides(edit.history.peek()) : shownSides.peek();
    return isEditable.value ? getSides(edit.history.value) : shownSides.value;
  }

  #getScene() {
    const { edit, layers, isEditable } = this.#options;
    void this.#maskVersion.value;
    void this.#size.value;
    const at = this.#cursor.value;
    const paints = isEditable.value && tool.value !== "pan" && !this.isPanning.value && !this.#hovered.value;
    return {
      image: edit.image,
      viewport: this.viewport.value,
      layers: layers.value,
      mask: isEditable.value ? this.mask.canvas : null,
      sides: this.#dragged.value ?? this.#shownSides(),
      activeHandle: isEditable.value ? (this.#hovered.value ?? ("any" as const)) : null,
      brush: at && paints ? { at, size: brushSize.value, erases: tool.value === "eraser" } : null,
    };
  }

  #refreshMask(): void {
    this.mask.show(getMaskOperations(this.#options.edit.history.value));
    this.#maskVersion.value = this.#maskVersion.peek() + 1;
  }

  #setSides(sides: Sides): void {
    const { edit, sizes } = this.#options;
    const complete = completeSides(edit.image, sides, sizes.peek());
    if (!isSameSides(complete, getSides(edit.history.peek())))
      doOperation(edit, { kind: "frame", sides: complete });
  }

  #zoomAt(point: Point, factor: number): void {
    this.#isFitted = false;
    this.viewport.value = zoomAt(this.viewport.peek(), point, factor);
  }

  // Pointers.

  #listen(canvas: HTMLCanvasElement): void {
    const controller = new AbortController();
    const { signal: stop } = controller;
    const on = <K extends keyof HTMLElementEventMap>(
      name: K,
      listener: (event: HTMLElementEventMap[K]) => void,
    ) => canvas.addEventListener(name, listener, { signal: stop, passive: false });
    on("pointerdown", (event) => this.#onDown(event));
    on("pointermove", (event) => this.#onMove(event));
    on("pointerup", (event) => this.#onUp(event, true));
    on("pointercancel", (event) => this.#onUp(event, false));
    on("pointerleave", () =>
      batch(() => {
        this.#cursor.value = null;
        this.#hovered.value = null;
      }),
    );
    on("wheel", (event) => this.#onWheel(event));
    on("contextmenu", (event) => event.preventDefault());
    const observer = new ResizeObserver(() => this.#resize(canvas));
    observer.observe(canvas);
    this.#stops.push(
      () => controller.abort(),
      () => observer.disconnect(),
    );
  }

  #resize(canvas: HTMLCanvasElement): void {
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = Math.min(devicePixelRatio, 2);
    canvas.width = Math.max(Math.round(width * ratio), 1);
    canvas.height = Math.max(Math.round(height * ratio), 1);
    this.#size.value = { width, height };
    if (this.#isFitted) this.fit();
  }

  #pointOf(event: MouseEvent): Point {
    const box = this.#painter.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #handleAt(point: Point, type: string): Handle | null {
    const { edit, isEditable } = this.#options;
    if (!isEditable.peek()) return null;
    const frame = getFrame(edit.image, getSides(edit.history.peek()));
    const near = reach[type as keyof typeof reach] ?? reach.mouse;
    const viewport = this.viewport.peek();
    const found = handles.find((handle) => {
      const { x, y } = toScreen(viewport, getHandlePoint(frame, handle));
      return Math.hypot(x - point.x, y - point.y) <= near;
    });
    return found ?? null;
  }

  #onDown(event: PointerEvent): void {
    event.preventDefault();
    this.#painter.canvas.focus({ preventScroll: true });
    this.#painter.canvas.setPointerCapture(event.pointerId);
    const point = this.#pointOf(event);
    this.#pointers.set(event.pointerId, point);
    if (this.#pointers.size === 2) {
      this.#cancelStroke();
      const [a, b] = [...this.#pointers.values()] as [Point, Point];
      this.#gesture = { kind: "pinch", last: [a, b] };
      return;
    }
    if (this.#pointers.size > 2) return;
    const pans = tool.peek() === "pan" || this.isPanning.peek() || event.button === middleButton;
    const handle = pans ? null : this.#handleAt(point, event.pointerType);
    const from = toImage(this.viewport.peek(), point);
    if (handle) {
      this.#gesture = { kind: "frame", handle, from, start: getSides(this.#options.edit.history.peek()) };
    } else if (pans || !this.#options.isEditable.peek()) this.#gesture = { kind: "pan", last: point };
    else this.#beginStroke(event);
  }

  #beginStroke(event: PointerEvent): void {
    const erases = tool.peek() === "eraser" || (event.buttons & penEraser) !== 0 || event.button === 2;
    this.#gesture = { kind: "stroke", erases, points: [], size: brushSize.peek() };
    this.#extendStroke(this.#gesture, [event]);
  }

  /** Adds points and paints the piece from the last one. */
  #extendStroke(gesture: Gesture & { kind: "stroke" }, events: readonly PointerEvent[]): void {
    const viewport = this.viewport.peek();
    const added = events.map((event) => ({
      ...toImage(viewport, this.#pointOf(event)),
      pressure: event.pointerType === "pen" ? event.pressure : 1,
    }));
    const last = gesture.points.at(-1);
    gesture.points.push(...added);
    this.mask.paintStroke(last ? [last, ...added] : added, gesture.size, gesture.erases);
    this.#maskVersion.value = this.#maskVersion.peek() + 1;
  }

  #onMove(event: PointerEvent): void {
    const point = this.#pointOf(event);
    const gesture = this.#gesture;
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, point);
    batch(() => {
      this.#cursor.value =
        event.pointerType === "touch" && !gesture ? null : toImage(this.viewport.peek(), point);
      if (!gesture)
        this.#hovered.value = tool.peek() === "pan" ? null : this.#handleAt(point, event.pointerType);
      else if (this.#pointers.has(event.pointerId)) this.#continue(gesture, event, point);
    });
  }

  #continue(gesture: Gesture, event: PointerEvent, point: Point): void {
    if (gesture.kind === "stroke") {
      const coalesced = event.getCoalescedEvents?.() ?? [];
      this.#extendStroke(gesture, coalesced.length > 0 ? coalesced : [event]);
    } else if (gesture.kind === "pan") {
      this.#isFitted = false;
      this.viewport.value = pan(this.viewport.peek(), point.x - gesture.last.x, point.y - gesture.last.y);
      gesture.last = point;
    } else if (gesture.kind === "pinch") {
      const [a, b] = [...this.#pointers.values()];
      if (!a || !b) return;
      this.#isFitted = false;
      this.viewport.value = pinch(this.viewport.peek(), gesture.last, [a, b]);
      gesture.last = [a, b];
    } else this.#dragged.value = this.#getDragged(gesture, point);
  }

  #getDragged({ handle, from, start }: Gesture & { kind: "frame" }, point: Point): Sides {
    const at = toImage(this.viewport.peek(), point);
    const { edit, sizes } = this.#options;
    return drag(start, handle, { x: at.x - from.x, y: at.y - from.y }, edit.image, sizes.peek());
  }

  #onUp(event: PointerEvent, isFinished: boolean): void {
    if (!this.#pointers.delete(event.pointerId)) return;
    const gesture = this.#gesture;
    if (this.#pointers.size > 0 && gesture?.kind === "pinch") return;
    this.#gesture = undefined;
    if (gesture?.kind === "stroke") {
      if (isFinished) this.#endStroke(gesture);
      else this.#cancelStroke();
    } else if (gesture?.kind === "frame") {
      const sides = this.#dragged.peek();
      batch(() => {
        if (sides && isFinished) this.#setSides(sides);
        this.#dragged.value = null;
      });
      if (this.#isFitted) this.fit();
    }
  }

  #endStroke({ points, size, erases }: Gesture & { kind: "stroke" }): void {
    this.#addStroke(thin(points, size), size, erases);
  }

  #addStroke(points: readonly StrokePoint[], size: number, erases: boolean): void {
    const round = (value: number) => Math.round(value * 10) / 10;
    const rounded = points.map(({ x, y, pressure }) => ({
      x: round(x),
      y: round(y),
      pressure: Math.round(pressure * 100) / 100,
    }));
    doOperation(this.#options.edit, { kind: "stroke", erases, size, points: rounded });
  }

  #cancelStroke(): void {
    if (this.#gesture?.kind !== "stroke") return;
    this.#gesture = undefined;
    this.mask.forget();
    this.#refreshMask();
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      this.#isFitted = false;
      const by = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      this.viewport.value = pan(this.viewport.peek(), -by, 0);
      return;
    }
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#zoomAt(this.#pointOf(event), Math.exp(-event.deltaY * lines * 0.0015));
  }
}
