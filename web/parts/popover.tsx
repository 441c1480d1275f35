// A button with a panel that floats beside it: the browser's popover, so Escape and a click elsewhere close it. On a phone the
// panel comes from below.
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { isNarrow } from "./media.js";

interface PopoverProps {
  readonly label: ComponentChildren;
  /** What a screen reader says for the button, if its content does not say it. */
  readonly name?: string;
  readonly class?: string;
  readonly panelClass?: string;
  /** Drawn while it is open. */
  readonly children: (close: () => void) => ComponentChildren;
}

const margin = 8;

/** Puts a panel below its button or above it, wherever there is more room. */
export function place(
  panel: HTMLElement,
  box: { left: number; right: number; top: number; bottom: number },
): void {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const isRtl = getComputedStyle(panel).direction === "rtl";
  const start = isRtl ? box.right - width : box.left;
  const left = Math.max(margin, Math.min(start, innerWidth - width - margin));
  const below = box.bottom + margin / 2;
  const above = box.top - height - margin / 2;
  const hasRoomBelow = below + height + margin <= innerHeight || above < margin;
  const top = hasRoomBelow ? Math.min(below, innerHeight - height - margin) : above;
  Object.assign(panel.style, { left: `${left}px`, top: `${Math.max(margin, top)}px` });
}

export function Popover({ label, name, class: className = "chip", panelClass = "", children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = () => panel.current?.hidePopover();
  const onToggle = ({ newState }: { readonly newState: string }) => {
    setOpen(newState === "open");
    if (newState !== "open") return;
    // Its content is there after the next drawing.
    requestAnimationFrame(() => {
      if (!panel.current || !button.current) return;
      if (isNarrow.peek()) panel.current.removeAttribute("style");
      else place(panel.current, button.current.getBoundingClientRect());
      panel.current.querySelector<HTMLElement>("[autofocus], [aria-checked=true], input, button")?.focus();
    });
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={className}
        aria-label={name}
        title={name}
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        popovertarget={id}
      >
        {label}
      </button>
      <div ref={panel} id={id} popover="auto" class={`popover ${panelClass}`} onToggle={onToggle}>
        {isOpen && children(close)}
      </div>
    </>
  );
}
