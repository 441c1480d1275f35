// The topmost layer of the page. Behind a modal dialog nothing can be used, so menus and notices go into the dialog that is open.
import { signal } from "@preact/signals";
import { createPortal } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Menu } from "./menu.jsx";
import { Notices } from "./notices.jsx";

const layers = signal<readonly HTMLElement[]>([]);

/** A place for menus and notices: one in the page, and one in every dialog. */
export function Layer() {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = place.current!;
    layers.value = [...layers.peek(), element];
    return () => {
      layers.value = layers.peek().filter((other) => other !== element);
    };
  }, []);
  return <div ref={place} class="layer" />;
}

/** Menus and notices, in the topmost layer. */
export function Overlays() {
  const top = layers.value.at(-1);
  return top
    ? createPortal(
        <>
          <Menu />
          <Notices />
        </>,
        top,
      )
    : null;
}
