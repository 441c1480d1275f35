// The viewer, loaded when it is opened, or when the page has nothing else to do.
import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { viewed } from "../store/ui.js";

const Viewer: Signal<ComponentType | undefined> = signal(undefined);

export async function loadViewer(): Promise<void> {
  const content: { readonly Viewer: ComponentType } | undefined = await import("./viewer.jsx");
  if (content) Viewer.value = content.Viewer;
  else viewed.value = undefined; // Its file is gone; a notice says so.
}

export function LazyViewer() {
  const isOpen = viewed.value !== undefined;
  useEffect(() => {
    if (isOpen && !Viewer.peek()) void loadViewer();
  }, [isOpen]);
  return isOpen && Viewer.value ? <Viewer.value /> : null;
}
