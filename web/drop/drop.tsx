// Takes what is dropped on the page or pasted into it, wherever that is.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { notifyError } from "../store/notices.js";
import "./drop.css";
import { takesDrag } from "./transfer.js";

/** Loaded when something arrives. */
const take = (files: readonly File[], text: string) =>
  import("./state.js").then(({ takeDropped }) => takeDropped(files, text)).catch(notifyError);

const isWriting = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest("input, textarea, [contenteditable]") !== null;

export function Drop() {
  const isOver = useSignal(false);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const isOurs = ({ dataTransfer }: DragEvent) =>
      dataTransfer !== null && takesDrag([...dataTransfer.types]);
    const onOver = (event: DragEvent) => {
      if (!isOurs(event) || (isWriting(event.target) && !event.dataTransfer!.types.includes("Files"))) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = "copy";
      isOver.value = true;
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) isOver.value = false;
    };
    const onDrop = (event: DragEvent) => {
      isOver.value = false;
      if (event.defaultPrevented || !isOurs(event)) return;
      const files = [...event.dataTransfer!.files];
      // Text that is dropped into a field is the field's.
      if (files.length === 0 && isWriting(event.target)) return;
      event.preventDefault();
      void take(files, event.dataTransfer!.getData("text/plain"));
    };
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) event.preventDefault();
      else if (isWriting(event.target)) return;
      void take(files, event.clipboardData?.getData("text/plain") ?? "");
    };
    document.addEventListener("dragover", onOver, { signal });
    document.addEventListener("dragleave", onLeave, { signal });
    document.addEventListener("drop", onDrop, { signal });
    document.addEventListener("paste", onPaste, { signal });
    return () => controller.abort();
  }, []);
  if (!isOver.value) return null;
  return (
    <div class="drop-zone" aria-hidden="true">
      <p>
        <Icon name="image" />
        {messages().dropHere}
      </p>
    </div>
  );
}
