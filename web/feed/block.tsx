// A block of the feed: a caption and the tiles of one job, or of a part of it.
import { type Action, actions, runAction } from "../actions/registry.js";
import type { DrawJobRequest, Job } from "../api/types.js";
import { groupViews } from "../features.js";
import { formatDateTime, formatSeconds, formatTime, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { IconButton } from "../parts/icon-button.jsx";
import { openMenu } from "../parts/menu.jsx";
import { Popover } from "../parts/popover.jsx";
import { sendJob } from "../store/draft.js";
import { getImage } from "../store/images.js";
import { cancelJob, getJob } from "../store/jobs.js";
import { dismiss, type FeedBlock } from "./blocks.js";
import type { Part } from "./layout.js";
import { Tile } from "./tile.jsx";

interface BlockProps {
  readonly block: FeedBlock;
  readonly part: Part;
  readonly position: number;
  readonly size: number;
}

export function BlockView({ block, part, position, size }: BlockProps) {
  const job = block.job === null ? undefined : getJob(block.job);
  const prompt = getPrompt(block, job);
  const style = { transform: `translate(${part.x}px, ${part.y}px)`, width: `${part.width}px` };
  if (block.group !== undefined) return <GroupBlock block={block} part={part} style={style} />;
  const ids =
    job && ["running", "failed"].includes(job.state)
      ? new Map(job.images.map((image) => [image.index, image.id]))
      : undefined;
  const places = Array.from({ length: part.to - part.from }, (_, place) => part.from + place);
  return (
    <article class="block" style={style} aria-label={prompt} aria-posinset={position} aria-setsize={size}>
      {part.hasCaption && <Caption block={block} job={job} prompt={prompt} />}
      <div class="tiles">
        {places.map((place) =>
          job?.state === "failed" && place >= job.images.length ? (
            <Trouble key="trouble" job={job} height={part.tileHeight} width={part.tileWidth} />
          ) : (
            <Tile
              key={place}
              job={block.job}
              index={place}
              image={ids ? ids.get(place) : block.images[place]}
              width={part.tileWidth}
              height={part.tileHeight}
            />
          ),
        )}
      </div>
    </article>
  );
}

const getPrompt = (block: FeedBlock, job: Job | undefined) =>
  getImage(block.images[0] ?? "")?.prompt ?? String(job?.request.prompt ?? job?.labels.title ?? "");

function GroupBlock({
  block,
  part,
  style,
}: Pick<BlockProps, "block" | "part"> & { readonly style: Readonly<Record<string, string>> }) {
  const job = block.job === null ? undefined : getJob(block.job);
  const info = job && groupViews.value.find((view) => view.claims(job));
  if (!info) return null;
  return (
    <article class="block" style={style}>
      <info.view group={block.group!} width={part.width} />
    </article>
  );
}

function Caption({
  block,
  job,
  prompt,
}: {
  readonly block: FeedBlock;
  readonly job: Job | undefined;
  readonly prompt: string;
}) {
  const texts = messages();
  const images = block.images.map(getImage).filter((image) => image !== undefined);
  const isRunning = job?.state === "running";
  const onMore = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    openMenu(getBlockActions(), { images }, { x: box.left, y: box.bottom });
  };
  return (
    <header class="caption">
      <p title={prompt}>{prompt}</p>
      {job && job.warnings.length > 0 && <Warnings of={job.warnings} />}
      {isRunning ? (
        <>
          <span class="caption-state">{getStage(job)}</span>
          <IconButton icon="close" label={texts.cancel} onClick={() => cancelJob(job.id)} />
        </>
      ) : (
        <>
          <time dateTime={block.time} title={formatDateTime(block.time)}>
            {formatTime(block.time)}
          </time>
          {images.length > 0 && (
            <span class="caption-actions">
              <IconButton
                icon="undo"
                label={texts.recallAll}
                onClick={() => runAction("recall.all", { images: images.slice(0, 1) })}
              />
              <IconButton icon="more" label={texts.more} onClick={onMore} />
            </span>
          )}
        </>
      )}
    </header>
  );
}

const getBlockActions = (): readonly Action[] => actions.peek().filter(({ needs }) => needs !== undefined);

/** What the model could not do as asked, behind a sign. */
function Warnings({ of: list }: { readonly of: readonly string[] }) {
  return (
    <Popover
      class="icon-button warning"
      name={messages().warnings(list.length)}
      panelClass="notes"
      label={<Icon name="warning" />}
    >
      {() => list.map((text) => <p key={text}>{text}</p>)}
    </Popover>
  );
}

/** "2/4 · 8 sec": what is being done, in few words. */
function getStage({ progress }: Job): string {
  const texts = messages();
  if (!progress) return texts.starting;
  const { stage, steps, secondsLeft, count, index } = progress;
  if (stage === "load") return texts.loadingModel;
  if (stage === "wait") return texts.waiting;
  const many = count > 1 ? `${index + 1}/${count}` : "";
  const left = secondsLeft !== null ? formatSeconds(secondsLeft) : steps > 0 ? "" : texts.preparing;
  return [many, left].filter(Boolean).join(" · ");
}

/** What went wrong, in the place of the image, with what helps as a button. */
function Trouble({
  job,
  width,
  height,
}: {
  readonly job: Job;
  readonly width: number;
  readonly height: number;
}) {
  const texts = messages();
  const { error } = job;
  const retry = () => {
    const { request, model, load, parent, group, labels } = job;
    const again = { ...request, ...error?.change } as DrawJobRequest["request"];
    const beside = { load, ...(parent && { parent }), ...(group !== null && { group }), labels };
    dismiss(job.id);
    void sendJob({ kind: "draw", request: again, model, ...beside });
  };
  return (
    <div class="tile trouble" style={{ width: `${width}px`, height: `${height}px` }} role="group">
      <Icon name="warning" />
      <p>{error?.message ?? texts.failed}</p>
      {error?.hint && <p class="hint">{error.hint}</p>}
      <div class="trouble-actions">
        <button type="button" class="button small" onClick={retry}>
          {error?.change ? texts.tryChange(describeChange(error.change)) : texts.tryAgain}
        </button>
        <button type="button" class="button small quiet" onClick={() => dismiss(job.id)}>
          {texts.dismiss}
        </button>
      </div>
    </div>
  );
}

/** "512x512", "fast": what a suggested change is, in few words. */
const describeChange = (change: Readonly<Record<string, unknown>>) =>
  Object.entries(change)
    .map(([name, value]) =>
      value === true ? name : name === "size" ? String(value) : `${name} ${String(value)}`,
    )
    .join(", ");
