// A sweep in the feed: a table of pictures whose labels stay in sight while it scrolls.
import { useSignal } from "@preact/signals";
import { previewUrl, thumbnailUrl } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { getImage } from "../store/images.js";
import { cancelAll, isActive } from "../store/jobs.js";
import { attempt } from "../store/notices.js";
import { openViewer } from "../viewer/open.js";
import { exportGrid } from "./export.js";
import { getAxisTitle, getGrid, getGroup } from "./state.js";
import "./sweep.css";

/** Widths of the table's parts, in CSS pixels. */
const label = 96;
const gap = 4;
const most = 256;
const least = 96;
const header = 44;
const axisRow = 30;

const aspectOf = (jobs: readonly Job[]): number => {
  const image = jobs.find(({ images }) => images.length > 0)?.images[0];
  const { width = 1, height = 1 } = (image ?? jobs[0]?.request.size ?? {}) as {
    width?: number;
    height?: number;
  };
  return width / height;
};

/** Width and height of a cell in a table of this many columns. */
function getCellSize(width: number, columns: number, aspect: number, hasRows: boolean) {
  const room = width - (hasRows ? label : 0) - columns * gap;
  const cell = Math.max(Math.min(Math.floor(room / columns), most), least);
  return { width: cell, height: Math.round(cell / aspect) };
}

function getShape(group: string) {
  const { axes } = getGrid(group);
  const count = (name: "x" | "y" | "z") => Math.max(axes[name]?.values.length ?? 1, 1);
  return { columns: count("x"), rows: count("y"), tables: count("z"), axes };
}

/** The height of a sweep in the feed. */
export function getGridHeight(group: string, width: number): number {
  const { columns, rows, tables, axes } = getShape(group);
  const cell = getCellSize(width, columns, aspectOf(getGroup(group)), axes.y !== undefined);
  const table = (axes.z ? axisRow : 0) + axisRow + rows * (cell.height + gap);
  return header + tables * table + (columns * (cell.width + gap) > width ? 16 : 0);
}

export function SweepGrid({ group, width }: { readonly group: string; readonly width: number }) {
  const texts = messages();
  const jobs = getGroup(group);
  const isExporting = useSignal(false);
  const { tables, axes } = getShape(group);
  const left = jobs.filter(isActive).length;
  const images = jobs.flatMap((job) => job.images);
  const save = async () => {
    isExporting.value = true;
    await attempt(() => exportGrid(getGrid(group), aspectOf(jobs), jobs[0]?.labels.title ?? ""));
    isExporting.value = false;
  };
  return (
    <div class="sweep-grid">
      <header class="caption">
        <p title={jobs[0]?.labels.title}>{jobs[0]?.labels.title}</p>
        <span class="caption-state">
          {left > 0
            ? texts.sweepProgress(formatNumber(images.length), formatNumber(jobs.length))
            : texts.images(images.length)}
        </span>
        {left > 0 && (
          <button type="button" class="button small quiet" onClick={() => void cancelAll(group)}>
            {texts.cancelAll}
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={texts.exportGrid}
          title={texts.exportGrid}
          disabled={images.length === 0 || isExporting.value}
          onClick={() => void save()}
        >
          <Icon name="download" />
        </button>
      </header>
      <div class="sweep-scroll" role="group" aria-label={texts.sweepTable}>
        {Array.from({ length: tables }, (_, z) => (
          <Table
            key={z}
            group={group}
            width={width}
            z={z}
            caption={axes.z && `${getAxisTitle(axes.z.path)}: ${axes.z.values[z]}`}
          />
        ))}
      </div>
    </div>
  );
}

interface TableProps {
  readonly group: string;
  readonly width: number;
  readonly z: number;
  readonly caption: string | undefined;
}

function Table({ group, width, z, caption }: TableProps) {
  const { axes, at } = getGrid(group);
  const { columns, rows } = getShape(group);
  const size = getCellSize(width, columns, aspectOf(getGroup(group)), axes.y !== undefined);
  const count = (length: number) => Array.from({ length }, (_, i) => i);
  return (
    <table>
      {caption && <caption>{caption}</caption>}
      <thead>
        <tr>
          {axes.y && <td class="corner" style={{ width: `${label}px` }} />}
          {count(columns).map((x) => (
            <th
              key={x}
              scope="col"
              style={{ width: `${size.width}px` }}
              title={axes.x && getAxisTitle(axes.x.path)}
            >
              {axes.x && (
                <>
                  <span class="muted">{getAxisTitle(axes.x.path)}</span> {axes.x.values[x]}
                </>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {count(rows).map((y) => (
          <tr key={y}>
            {axes.y && (
              <th scope="row" title={getAxisTitle(axes.y.path)}>
                <span class="muted">{getAxisTitle(axes.y.path)}</span> {axes.y.values[y]}
              </th>
            )}
            {count(columns).map((x) => (
              <td key={x}>
                <Cell job={at(x, y, z)} size={size} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps {
  readonly job: Job | undefined;
  readonly size: { readonly width: number; readonly height: number };
}

function Cell({ job, size }: CellProps) {
  const texts = messages();
  const style = { width: `${size.width}px`, height: `${size.height}px` };
  const image: StoredImage | undefined = job?.images[0] && (getImage(job.images[0].id) ?? job.images[0]);
  if (image && image.trashed === null)
    return (
      <button
        type="button"
        class="sweep-cell"
        style={style}
        aria-label={image.prompt}
        title={image.prompt}
        onClick={() => openViewer(image.id)}
      >
        <img src={thumbnailUrl(image.id)} alt="" loading="lazy" style={{ backgroundColor: image.colour }} />
      </button>
    );
  const preview = job?.progress?.preview;
  if (job?.state === "running" && typeof preview === "number")
    return (
      <div class="sweep-cell" style={style}>
        <img src={previewUrl(job.id, preview)} alt={texts.beingDrawn} />
      </div>
    );
  const state = job?.state === "failed" ? (job.error?.message ?? texts.failed) : "";
  return (
    <div class={`sweep-cell ${job && isActive(job) ? "waiting" : "empty"}`} style={style} title={state}>
      {state && <Icon name="warning" />}
    </div>
  );
}
