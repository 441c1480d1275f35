// Zoom and pan of one image: wheel, pinch, double click, drag, keys. Pure arithmetic first, then the listeners.

export interface View {
  readonly scale: number;
  /** Offset of the image's centre from the frame's, in CSS pixels. */
  readonly x: number;
  readonly y: number;
}

export const fitted: View = { scale: 1, x: 0, y: 0 };
const mostScale = 40;

/** Zooms so that the point under the pointer stays where it is. The point is relative to the frame's centre. */
export function zoomAt(view: View, factor: number, point: { readonly x: number; readonly y: number }): View {
  const scale = Math.min(mostScale, Math.max(1, view.scale * factor));
  if (scale === 1) return fitted;
  const ratio = scale / view.scale;
  return { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
}

/** Keeps the image from leaving the frame. */
export function clamp(view: View, frame: { readonly width: number; readonly height: number }): View {
  const reachX = (frame.width * (view.scale - 1)) / 2;
  const reachY = (frame.height * (view.scale - 1)) / 2;
  return {
    scale: view.scale,
    x: Math.max(-reachX, Math.min(reachX, view.x)),
    y: Math.max(-reachY, Math.min(reachY, view.y)),
  };
}

interface Options {
  readonly get: () => View;
  readonly set: (view: View) => void;
  /** A swipe at full view: −1 to the left, 1 to the right. */
  readonly onSwipe: (direction: -1 | 1) => void;
  readonly onSwipeDown: () => void;
}

const swipeDistance = 60;

/** Listens to pointers and the wheel. @returns a function that ends it */
export function followPointers(frame: HTMLElement, { get, set, onSwipe, onSwipeDown }: Options): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let start: { x: number; y: number } | undefined;
  const size = () => ({ width: frame.clientWidth, height: frame.clientHeight });
  const relative = ({ clientX, clientY }: MouseEvent) => {
    const box = frame.getBoundingClientRect();
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  };
  const change = (view: View) => set(clamp(view, size()));
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    change(zoomAt(get(), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), relative(event)));
  };
  const onDoubleClick = (event: MouseEvent) =>
    change(get().scale > 1 ? fitted : zoomAt(get(), 3, relative(event)));
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, relative(event));
    start = pointers.size === 1 ? relative(event) : undefined;
  };
  const onMove = (event: PointerEvent) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = relative(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    const view = get();
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      change(zoomAt(view, distance(now) / Math.max(1, distance(before)), middle));
    } else if (view.scale > 1)
      change({ ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y });
  };
  const onUp = (event: PointerEvent) => {
    const end = relative(event);
    pointers.delete(event.pointerId);
    if (!start || get().scale > 1 || event.pointerType === "mouse") return;
    const [across, down] = [end.x - start.x, end.y - start.y];
    if (Math.abs(across) > swipeDistance && Math.abs(across) > Math.abs(down)) onSwipe(across < 0 ? 1 : -1);
    else if (down > swipeDistance * 1.5) onSwipeDown();
  };
  const onCancel = (event: PointerEvent) => pointers.delete(event.pointerId);
  frame.addEventListener("wheel", onWheel, { passive: false });
  frame.addEventListener("dblclick", onDoubleClick);
  frame.addEventListener("pointerdown", onDown);
  frame.addEventListener("pointermove", onMove);
  frame.addEventListener("pointerup", onUp);
  frame.addEventListener("pointercancel", onCancel);
  return () => {
    frame.removeEventListener("wheel", onWheel);
    frame.removeEventListener("dblclick", onDoubleClick);
    frame.removeEventListener("pointerdown", onDown);
    frame.removeEventListener("pointermove", onMove);
    frame.removeEventListener("pointerup", onUp);
    frame.removeEventListener("pointercancel", onCancel);
  };
}
