// A modal dialog over the browser's own, which keeps the focus inside and gives it back.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { IconButton } from "./icon-button.jsx";
import { Layer } from "./layers.jsx";

interface DialogProps {
  readonly id: string;
  readonly title: string;
  readonly form: "side" | "window" | "screen";
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Side: a panel at the edge. Window: in the middle. Screen: all of it, with a frame of its own content. */
export function Dialog({ id, title, form, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const back = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (back instanceof HTMLElement && back.isConnected) back.focus({ preventScroll: true });
    };
  }, []);
  const onClick = (event: MouseEvent) => {
    if (event.target === dialog.current && form !== "screen") onClose();
  };
  return (
    <dialog
      ref={dialog}
      class={`dialog ${form} ${id}-dialog`}
      aria-label={title}
      onClick={onClick}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-frame">
        {form !== "screen" && (
          <header>
            <h2>{title}</h2>
            <IconButton icon="close" label={messages().close} onClick={onClose} />
          </header>
        )}
        <div class="dialog-content">{children}</div>
        <Layer />
      </div>
    </dialog>
  );
}
