// A tile: the one place where an image grows out of noise and stays.
import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { fileUrl, previewUrl, thumbnailUrl } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { openImageMenu } from "../parts/menu.jsx";
import { getImage, setFavourite } from "../store/images.js";
import { getJob } from "../store/jobs.js";
import { focused, isSelecting, selection, selectRange, setSelected, tabStop, targets } from "../store/ui.js";
import { openViewer } from "../viewer/open.js";
import { memo } from "./memo.js";
import { getNoise } from "./noise.js";

interface TileProps {
  readonly job: string | null;
  readonly index: number;
  readonly image: string | undefined;
  readonly width: number;
  readonly height: number;
}

export const Tile = memo(function Tile({ job, index, image, width, height }: TileProps) {
  const style = { width: `${width}px`, height: `${height}px` };
  const known = image === undefined ? undefined : getImage(image);
  const active = job === null ? undefined : getJob(job);
  if (known) return <ImageTile image={known} style={style} from={active} size={Math.max(width, height)} />;
  return <GrowingTile job={active} index={index} style={style} />;
});

/** A thumbnail has at most 512 pixels on its longer side. */
const thumbnailSide = 512;

/** Whether a tile shows the file itself: a thumbnail would be too small, or no smaller. */
const needsFile = ({ width, height }: StoredImage, size: number) =>
  size * devicePixelRatio > thumbnailSide * 1.2 || Math.max(width, height) <= thumbnailSide / 2;

/** The last preview of an image that is just finished: it stays behind the image until that is loaded. */
function getLastPreview(job: Job | undefined, index: number): string {
  const { preview, index: current } = job?.progress ?? {};
  const isFresh = job?.state === "running" && current === index && typeof preview === "number";
  return isFresh ? `url("${previewUrl(job.id, preview)}")` : "none";
}

type Style = Readonly<Record<string, string>>;

function ImageTile(props: {
  readonly image: StoredImage;
  readonly style: Style;
  readonly from: Job | undefined;
  readonly size: number;
}) {
  const { image, style, from, size } = props;
  const isSelected = selection.value.has(image.id);
  const isLoaded = useSignal(false);
  const texts = messages();
  const onClick = (event: MouseEvent) => {
    if (event.shiftKey) selectRange(image.id);
    else if (event.ctrlKey || event.metaKey || isSelecting.peek()) setSelected([image.id], !isSelected);
    else openViewer(image.id, event.currentTarget as Element);
  };
  const onContextMenu = (event: MouseEvent) => {
    event.preventDefault();
    const chosen = selection.peek().has(image.id) ? targets.peek() : [image];
    openImageMenu({ images: chosen }, { x: event.clientX, y: event.clientY });
  };
  const behind = useRef(getLastPreview(from, image.index));
  const isTabStop = useComputed(() => tabStop.value === image.id);
  return (
    <div
      class={isSelected ? "tile selected" : "tile"}
      style={{
        ...style,
        backgroundColor: image.colour,
        backgroundImage: isLoaded.value ? "none" : behind.current,
      }}
    >
      <button
        type="button"
        class="tile-image"
        data-image={image.id}
        tabIndex={isTabStop.value ? 0 : -1}
        aria-pressed={isSelecting.value ? isSelected : undefined}
        onClick={onClick}
        onContextMenu={onContextMenu}
        onFocus={() => {
          focused.value = image.id;
          tabStop.value = image.id;
        }}
      >
        <img
          class={isLoaded.value ? "loaded" : ""}
          src={needsFile(image, size) ? fileUrl(image.id) : thumbnailUrl(image.id)}
          alt={image.prompt}
          decoding="async"
          draggable
          onLoad={() => {
            isLoaded.value = true;
          }}
        />
      </button>
      <button
        type="button"
        class="tile-select"
        role="checkbox"
        aria-checked={isSelected}
        aria-label={texts.select}
        tabIndex={-1}
        onClick={(event) => (event.shiftKey ? selectRange(image.id) : setSelected([image.id], !isSelected))}
      >
        <Icon name="check" />
      </button>
      <button
        type="button"
        class="tile-heart"
        aria-pressed={image.favourite}
        aria-label={texts.favourite}
        title={texts.favourite}
        tabIndex={-1}
        onClick={() => setFavourite([image], !image.favourite)}
      >
        <Icon name="heart" filled={image.favourite} />
      </button>
    </div>
  );
}

/** An image that is not finished: noise, then the predictions of each step. */
function GrowingTile({
  job,
  index,
  style,
}: {
  readonly job: Job | undefined;
  readonly index: number;
  readonly style: Style;
}) {
  const progress = job?.progress;
  const isCurrent = progress?.index === index && job?.state === "running";
  const preview = isCurrent ? progress.preview : null;
  const share = isCurrent && progress.steps > 0 ? progress.step / progress.steps : 0;
  const texts = messages();
  return (
    <div
      class={isCurrent ? "tile growing current" : "tile growing"}
      style={{ ...style, backgroundImage: getNoise() }}
    >
      {preview !== null && preview !== undefined && job && (
        <Preview
          url={previewUrl(job.id, preview)}
          share={share}
          alt={texts.growing(String(job.request.prompt))}
        />
      )}
      {isCurrent && <progress class="tile-progress" max={1} value={share} aria-label={texts.progress} />}
    </div>
  );
}

/** Shows the newest preview that is there: the one before stays until the next is loaded, so nothing flickers. */
function Preview({
  url,
  share,
  alt,
}: {
  readonly url: string;
  readonly share: number;
  readonly alt: string;
}) {
  const shown = useSignal("");
  const load = (event: Event) => {
    shown.value = (event.currentTarget as HTMLImageElement).src;
  };
  const opacity = Math.min(1, 0.35 + share * 1.3);
  return (
    <>
      {shown.value && (
        <img class="tile-preview" src={shown.value} alt={alt} style={{ opacity: String(opacity) }} />
      )}
      <img class="hidden" src={url} alt="" onLoad={load} />
    </>
  );
}
