// The feed: all images, newest first, of which only those near the screen are in the document.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { groupViews, slots } from "../features.js";
import { messages } from "../i18n/index.js";
import { Layer } from "../parts/layers.jsx";
import { prefersLessMotion } from "../parts/media.js";
import { drawnJobs } from "../store/draft.js";
import { filter, isFeedLoading, isFiltered, loadMore } from "../store/images.js";
import { getJob, queue } from "../store/jobs.js";
import { focused, tabStop, tileHeight } from "../store/ui.js";
import { BlockView } from "./block.jsx";
import { type FeedBlock, feedBlocks } from "./blocks.js";
import { Empty, NothingFound } from "./empty.jsx";
import { findLines, type Layout, layOut, type Measures } from "./layout.js";
import { moveFocus } from "./move-focus.js";
import { QueueStrip } from "./queue.jsx";

/** Lines are drawn this far outside the screen, in CSS pixels. */
const overscan = 600;

/** Height of the line above a job's tiles. A view of a group has its own instead. */
const captionHeight = 34;
/** Below this width of the feed, two tiles fill a line. */
const phoneWidth = 560;

function getMeasures(width: number): Measures {
  const isPhone = width < phoneWidth;
  const gap = 4;
  return {
    width,
    tileHeight: isPhone ? (width - gap) / 2 : tileHeight.value,
    gap,
    blockGap: isPhone ? 10 : 20,
    captionHeight,
  };
}

/** Blocks whose group has a view of its own get the height that it asks for. */
const withHeights = (blocks: readonly FeedBlock[], width: number): readonly FeedBlock[] =>
  blocks.map((block) => {
    // A tile of a phone has no room for an error and its buttons.
    if (block.isTrouble && width < phoneWidth) return { ...block, fixedHeight: 176 };
    const job = block.group === undefined || block.job === null ? undefined : getJob(block.job);
    const view = job && groupViews.value.find((each) => each.claims(job));
    return view ? { ...block, fixedHeight: view.height(block.group!, width) - captionHeight } : block;
  });

export function Feed() {
  const scroller = useRef<HTMLElement>(null);
  const above = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const view = useSignal({ top: 0, height: 1000 });
  /** When the newest block was asked for as the feed was laid out from the top: what comes later is packed upwards. */
  const anchorTime = useRef("");
  const layout = useComputed<{ blocks: readonly FeedBlock[]; layout: Layout }>(() => {
    const blocks = withHeights(feedBlocks.value, width.value);
    if (anchorTime.current === "" && blocks[0]) anchorTime.current = blocks[0].time;
    const above = isFiltered.value ? 0 : blocks.findIndex(({ time }) => time <= anchorTime.current);
    return { blocks, layout: layOut(blocks, getMeasures(width.value), Math.max(0, above)) };
  });
  useSize(list, width, anchorTime);
  useScroll(scroller, list, view);
  useStayInPlace(scroller, layout.value.layout);
  useStayBelow(scroller, above);
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
    anchorTime.current = "";
  }, [filter.value]);
  useEffect(() => {
    if (drawnJobs.value > 0)
      scroller.current?.scrollTo({ top: 0, behavior: prefersLessMotion.peek() ? "auto" : "smooth" });
  }, [drawnJobs.value]);

  const { blocks, layout: lines } = layout.value;
  const [from, to] = findLines(
    lines,
    view.value.top - overscan,
    view.value.top + view.value.height + overscan,
  );
  const nearEnd = to >= lines.lines.length - 3;
  useEffect(() => {
    if (nearEnd) void loadMore();
  }, [nearEnd, blocks.length]);

  const shown = lines.lines.slice(from, to).flatMap(({ parts }) => parts);
  const places = new Map(blocks.map((block, index) => [block.key, index]));
  useTabStop(shown.flatMap((part) => blocks[places.get(part.key)!]!.images.slice(part.from, part.to)));
  const isEmpty = blocks.length === 0;
  return (
    <main class="feed" ref={scroller} id="feed" tabIndex={-1} aria-label={messages().feed}>
      <h1 class="hidden">Nishiki</h1>
      <div ref={above}>
        <QueueStrip />
        {slots.value.feed.map((Slot, index) => (
          <Slot key={index} />
        ))}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a feed while it has articles; an empty one has no role */}
      <div
        class="blocks"
        ref={list}
        role={isEmpty ? undefined : "feed"}
        aria-busy={isFeedLoading.value}
        style={{ height: `${lines.height}px` }}
        onKeyDown={(event) => moveFocus(event, lines, blocks, scroller.current!)}
        onFocusOut={() => {
          focused.value = undefined;
        }}
      >
        {shown.map((part) => {
          const place = places.get(part.key)!;
          return (
            <BlockView
              key={`${part.key}/${part.from}`}
              block={blocks[place]!}
              part={part}
              position={place + 1}
              size={blocks.length}
            />
          );
        })}
      </div>
      {isEmpty && isFeedLoading.value && <Skeletons />}
      {isEmpty &&
        !isFeedLoading.value &&
        queue.value.length === 0 &&
        (isFiltered.value ? <NothingFound /> : <Empty />)}
      <Layer />
    </main>
  );
}

/** Keeps a tile of those in the document reachable by Tab. */
function useTabStop(ids: readonly string[]): void {
  useEffect(() => {
    if (tabStop.peek() === undefined || !ids.includes(tabStop.peek()!)) tabStop.value = ids[0];
  });
}

/** Follows the width of the list. A new width lays everything out again from the top. */
function useSize(
  list: { current: HTMLElement | null },
  width: { value: number },
  anchor: { current: string },
): void {
  useLayoutEffect(() => {
    const element = list.current!;
    const update = () => {
      if (element.clientWidth === width.value) return;
      anchor.current = "";
      width.value = element.clientWidth;
    };
    update();
    const observer = new ResizeObserver(update);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}

function useScroll(
  scroller: { current: HTMLElement | null },
  list: { current: HTMLElement | null },
  view: { value: { top: number; height: number } },
): void {
  useLayoutEffect(() => {
    const element = scroller.current!;
    let frame = 0;
    const update = () => {
      frame = 0;
      const top = element.scrollTop - list.current!.offsetTop;
      const { top: before, height } = view.value;
      // Within a fraction of the overscan, the same lines are drawn.
      if (Math.abs(top - before) < overscan / 3 && height === element.clientHeight) return;
      view.value = { top, height: element.clientHeight };
    };
    const onScroll = () => {
      frame ||= requestAnimationFrame(update);
    };
    update();
    element.addEventListener("scroll", onScroll, { passive: true });
    const observer = new ResizeObserver(onScroll);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", onScroll);
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, []);
}

/** Nearer to the top than this, in CSS pixels, new images come into view instead. */
const farFromTop = 80;

/** Keeps what is on the screen where it is when lines are added above. */
function useStayInPlace(scroller: { current: HTMLElement | null }, layout: Layout): void {
  const before = useRef(layout);
  useLayoutEffect(() => {
    const element = scroller.current!;
    const old = before.current;
    before.current = layout;
    if (old === layout || element.scrollTop < farFromTop) return;
    const [first] = findLines(old, element.scrollTop, element.scrollTop);
    const part = old.lines[first]?.parts.at(-1);
    const now =
      part &&
      layout.lines
        .flatMap(({ parts }) => parts)
        .find(({ key, from }) => key === part.key && from === part.from);
    if (part && now && now.y !== part.y) element.scrollTop += now.y - part.y;
  }, [layout]);
}

/** The same when the queue above the feed appears, grows or goes. */
function useStayBelow(
  scroller: { current: HTMLElement | null },
  above: { current: HTMLElement | null },
): void {
  useEffect(() => {
    let before = above.current!.offsetHeight;
    const observer = new ResizeObserver(() => {
      const height = above.current!.offsetHeight;
      if (scroller.current!.scrollTop >= farFromTop) scroller.current!.scrollTop += height - before;
      before = height;
    });
    observer.observe(above.current!);
    return () => observer.disconnect();
  }, []);
}

const Skeletons = () => (
  <div class="skeletons" aria-hidden="true">
    {Array.from({ length: 8 }, (_, index) => (
      <div key={index} class="skeleton" />
    ))}
  </div>
);
