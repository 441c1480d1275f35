// Shows the sheet that is open. Its content is loaded when it is opened for the first time.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getSheet } from "../features.js";
import { messages } from "../i18n/index.js";
import { attempt } from "../store/notices.js";
import { closeSheet, sheet } from "../store/ui.js";
import { Dialog } from "./dialog.js";

type Content = ComponentType<{ readonly values?: unknown }>;
const loaded = new Map<string, Content>();

export function Sheets() {
  const open = sheet.value;
  const info = open && getSheet(open.id);
  const [, redraw] = useState(0);
  const Content = open && loaded.get(open.id);
  useEffect(() => {
    if (!info || loaded.has(info.id)) return;
    void attempt(async () => {
      const content: { readonly default: Content } | undefined = await info.load();
      if (content) loaded.set(info.id, content.default);
      else closeSheet(); // Its file is gone; a notice says so.
      redraw((count) => count + 1);
    }).then((succeeded) => succeeded || closeSheet());
  }, [info]);
  useEffect(() => {
    // The content may have come after the dialog was opened.
    if (Content) document.querySelector<HTMLElement>("dialog:modal .dialog-content [autofocus]")?.focus();
  }, [Content]);
  if (!open || !info) return null;
  return (
    <Dialog key={open.id} id={open.id} title={info.title(messages())} form={info.form} onClose={closeSheet}>
      {Content ? <Content values={open.values} /> : <div class="skeleton tall" />}
    </Dialog>
  );
}
