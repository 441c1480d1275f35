// The editor: one canvas for painting into a picture and for extending it.
import { computed } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { IconButton } from "../parts/icon-button.js";
import { closeSheet } from "../store/ui.js";
import "./editor.css";
import { EditorIcon } from "./icons.js";
import { handleKey } from "./keys.js";
import { Panel } from "./panel.js";
import { openSession, readSizes, type Session } from "./session.js";
import { type EditedImage, getEdit, getKept } from "./state.js";
import { Toolbar } from "./toolbar.js";
import { EditorView } from "./view.js";

interface OpenValues {
  readonly image: EditedImage;
}

export default function EditorSheet({ values }: { readonly values?: unknown }) {
  const [image, setImage] = useState((values as OpenValues).image);
  const keep = (id: string) => {
    const kept = getKept(id);
    if (kept) setImage(kept);
  };
  return <Editor key={image.id} image={image} onKeep={keep} />;
}

/** Sizes of a model until the catalogue is there. */
const anySizes = readSizes({ sizes: {} });

/** The page's colours as a canvas needs them: computed, because it knows no variables. */
function readColours(element: HTMLElement) {
  const probe = element.appendChild(document.createElement("i"));
  const resolve = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    mask: resolve("--mask"),
    accent: resolve("--accent"),
    ground: resolve("--surface"),
    line: resolve("--muted"),
  };
  probe.remove();
  return colours;
}

function useView(session: Session) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [view, setView] = useState<EditorView>();
  useEffect(() => {
    const { edit, model, layers, isEditable, shownSides } = session;
    const sizes = computed(() => (model.value ? readSizes(model.value) : anySizes));
    const colours = readColours(canvas.current!.parentElement!);
    const opened = new EditorView(canvas.current!, { edit, sizes, colours, layers, isEditable, shownSides });
    setView(opened);
    return () => opened.close();
  }, [session]);
  return { canvas, view };
}

function Editor({ image, onKeep }: { readonly image: EditedImage; readonly onKeep: (id: string) => void }) {
  const texts = messages();
  const session = useMemo(() => openSession(getEdit(image)), [image]);
  const { canvas, view } = useView(session);
  useEffect(() => session.close, [session]);
  useEffect(() => {
    if (!view) return;
    const controller = new AbortController();
    const listen = (event: KeyboardEvent) => handleKey(event, session, view, onKeep);
    document.addEventListener("keydown", listen, { signal: controller.signal });
    document.addEventListener("keyup", listen, { signal: controller.signal });
    return () => controller.abort();
  }, [view]);
  const isPanning = view?.isPanning.value === true;
  return (
    <div class="editor">
      <header class="editor-bar">
        <IconButton icon="close" label={texts.close} onClick={closeSheet} />
        <h2>{texts.edit}</h2>
        {view && <Zoom view={view} />}
      </header>
      <div class="editor-stage">
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a canvas has no role of its own, and takes keys */}
        <canvas
          ref={canvas}
          class={isPanning ? "panning" : ""}
          tabIndex={0}
          role="application"
          aria-label={texts.canvas}
          onBlur={() => view?.hideCursor()}
        />
        {view && <Toolbar session={session} view={view} />}
      </div>
      {view && <Panel session={session} view={view} onKeep={onKeep} />}
    </div>
  );
}

function Zoom({ view }: { readonly view: EditorView }) {
  const texts = messages();
  const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
  return (
    <div class="editor-zoom" role="group" aria-label={texts.zoom}>
      <IconButton icon="minus" label={texts.zoomOut} onClick={() => view.zoomBy(1 / 1.25)} />
      <button type="button" class="zoom-value" title={texts.actualSize} onClick={() => view.zoomTo(1)}>
        {percent.format(view.viewport.value.scale)}
      </button>
      <IconButton icon="plus" label={texts.zoomIn} onClick={() => view.zoomBy(1.25)} />
      <button
        type="button"
        class="icon-button"
        aria-label={texts.zoomFit}
        title={texts.zoomFit}
        onClick={() => view.fit()}
      >
        <EditorIcon name="fit" />
      </button>
    </div>
  );
}
