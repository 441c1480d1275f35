// The viewer: one image on the whole screen, with what can be done with it.
import "../styles/viewer.css";
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { getCombination } from "../actions/keys.js";
import { type Action, actions, isPossible } from "../actions/registry.js";
import { fileUrl, thumbnailUrl } from "../api/client.js";
import type { StoredImage } from "../api/types.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { IconButton } from "../parts/icon-button.jsx";
import { Layer } from "../parts/layers.jsx";
import { isNarrow } from "../parts/media.js";
import { openMenu } from "../parts/menu.jsx";
import { feedTotal, getImage, imageOrder, loadMore } from "../store/images.js";
import { getNeighbour, isInfoOpen, viewed } from "../store/ui.js";
import { Info } from "./info.jsx";
import { animateOpening, closeViewer } from "./open.js";
import { fitted, followPointers, type View, zoomAt } from "./zoom.js";

/** Seconds that the slideshow shows an image. */
const slideSeconds = 4;

export function Viewer() {
  const id = viewed.value!;
  const image = getImage(id);
  const dialog = useRef<HTMLDialogElement>(null);
  const view = useSignal<View>(fitted);
  const isPlaying = useSignal(false);
  const step = (places: -1 | 1) => {
    const next = getNeighbour(viewed.peek()!, places);
    if (!next) return;
    view.value = fitted;
    viewed.value = next.id;
    if (imageOrder.peek().length - imageOrder.peek().indexOf(next.id) < 20) void loadMore();
  };
  useModal(dialog);
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setInterval(() => step(1), slideSeconds * 1000);
    return () => clearInterval(timer);
  }, [isPlaying.value]);
  const onKeyDown = (event: KeyboardEvent) => {
    const keys: Readonly<Record<string, () => void>> = {
      arrowright: () => step(1),
      arrowleft: () => step(-1),
      arrowdown: () => step(1),
      arrowup: () => step(-1),
      "+": () => zoom(1.5),
      "=": () => zoom(1.5),
      "-": () => zoom(1 / 1.5),
      "0": () => {
        view.value = fitted;
      },
      space: () => {
        isPlaying.value = !isPlaying.value;
      },
    };
    const zoom = (factor: number) => {
      view.value = zoomAt(view.value, factor, { x: 0, y: 0 });
    };
    const isButton = (event.target as Element).closest("button, a, input, textarea") !== null;
    const key = getCombination(event);
    if (!keys[key] || (isButton && key === "space")) return;
    event.preventDefault();
    event.stopPropagation();
    keys[key]();
  };
  if (!image) return null;
  return (
    <dialog
      ref={dialog}
      class={isInfoOpen.value ? "viewer with-info" : "viewer"}
      aria-label={image.prompt}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        closeViewer();
      }}
    >
      <TopBar image={image} isPlaying={isPlaying} />
      <Stage image={image} view={view} onStep={step} />
      <BottomBar image={image} />
      {isInfoOpen.value && <Info image={image} />}
      <Layer />
    </dialog>
  );
}

function useModal(dialog: { current: HTMLDialogElement | null }): void {
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    element.focus();
    animateOpening(element);
    return () => {
      const id = viewed.peek();
      element.close();
      if (id) document.querySelector<HTMLElement>(`[data-image="${id}"]`)?.focus({ preventScroll: true });
    };
  }, []);
}

function TopBar({
  image,
  isPlaying,
}: {
  readonly image: StoredImage;
  readonly isPlaying: { value: boolean };
}) {
  const texts = messages();
  const place = imageOrder.value.indexOf(image.id);
  return (
    <header class="viewer-top">
      <IconButton icon="close" label={texts.closeViewer} onClick={closeViewer} />
      {place >= 0 && (
        <span class="muted">
          {formatNumber(place + 1)} / {formatNumber(feedTotal.value)}
        </span>
      )}
      <span class="spacer" />
      <IconButton
        icon={isPlaying.value ? "pause" : "play"}
        label={texts.slideshow}
        isOn={isPlaying.value}
        onClick={() => {
          isPlaying.value = !isPlaying.value;
        }}
      />
      {getActions("icon", image).map((action) => (
        <IconButton
          key={action.id}
          icon={action.icon!}
          label={action.title(texts)}
          isOn={isOn(action, image)}
          onClick={() => action.run({ images: [image] })}
        />
      ))}
    </header>
  );
}

const getActions = (place: Action["viewer"], image: StoredImage): readonly Action[] =>
  actions.value.filter((action) => action.viewer === place && isPossible(action, { images: [image] }));

/** Whether an action's button is pressed; undefined if it is not a switch. */
function isOn({ id }: Action, image: StoredImage): boolean | undefined {
  if (id === "image.favourite") return image.favourite;
  if (id === "image.info") return isInfoOpen.value;
  return undefined;
}

function Stage(props: {
  readonly image: StoredImage;
  readonly view: { value: View };
  readonly onStep: (places: -1 | 1) => void;
}) {
  const { image, view, onStep } = props;
  const frame = useRef<HTMLDivElement>(null);
  const texts = messages();
  useEffect(
    () =>
      followPointers(frame.current!, {
        get: () => view.value,
        set: (next) => {
          view.value = next;
        },
        onSwipe: onStep,
        onSwipeDown: closeViewer,
      }),
    [],
  );
  useEffect(() => preload(image.id), [image.id]);
  const { scale, x, y } = view.value;
  const style = { transform: `translate(${x}px, ${y}px) scale(${scale})` };
  return (
    <div class="stage">
      <div class="frame" ref={frame}>
        <img
          key={image.id}
          class={scale > 6 ? "viewer-image pixels" : "viewer-image"}
          src={fileUrl(image.id)}
          alt={image.prompt}
          width={image.width}
          height={image.height}
          draggable={false}
          style={{
            ...style,
            "--width": String(image.width),
            "--height": String(image.height),
            backgroundImage: `url("${thumbnailUrl(image.id)}")`,
          }}
        />
      </div>
      {!isNarrow.value && (
        <>
          <button
            type="button"
            class="step before"
            aria-label={texts.previousImage}
            onClick={() => onStep(-1)}
            disabled={!getNeighbour(image.id, -1)}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            class="step after"
            aria-label={texts.nextImage}
            onClick={() => onStep(1)}
            disabled={!getNeighbour(image.id, 1)}
          >
            <Icon name="right" />
          </button>
        </>
      )}
    </div>
  );
}

/** Loads the neighbours, so that the next step is immediate. */
function preload(id: string): void {
  for (const places of [1, -1]) {
    const neighbour = getNeighbour(id, places);
    if (neighbour) new Image().src = fileUrl(neighbour.id);
  }
}

function BottomBar({ image }: { readonly image: StoredImage }) {
  const texts = messages();
  const more = getActions("menu", image);
  const openMore = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    openMenu(more, { images: [image] }, { x: box.left, y: box.top });
  };
  return (
    <footer class="viewer-bottom">
      <p class="viewer-prompt" title={image.prompt}>
        {image.prompt}
      </p>
      <div class="viewer-actions">
        {getActions("button", image).map((action) => (
          <button
            key={action.id}
            type="button"
            class="button small"
            onClick={() => action.run({ images: [image] })}
          >
            {action.icon && <Icon name={action.icon} />}
            {action.title(texts)}
          </button>
        ))}
        <button type="button" class="button small" aria-haspopup="menu" onClick={openMore}>
          <Icon name="more" />
          {texts.more}
        </button>
      </div>
    </footer>
  );
}
