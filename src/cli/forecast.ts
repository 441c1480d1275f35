// What a drawing will take, said before it is drawn, and learned from afterwards.
import type { ImageSettings, LoadOptions } from "../pipeline/index.js";
import { formatBytes, formatSize } from "../pipeline/index.js";
import {
  foresee,
  keepDrawing,
  type Measured,
  type OpenedModel,
  type Outlook,
  openModel,
} from "../pipeline/node.js";
import { formatSeconds, type Progress } from "./progress.js";
import { print } from "./terminal.js";

interface Planned {
  readonly opened: OpenedModel;
  readonly load: LoadOptions;
  readonly settings: ImageSettings;
}

const look = ({ opened, load, settings }: Planned) =>
  foresee({ opened, load, settings }, { reopen: (changed) => openModel(changed) });

/** Drawings below this many seconds are not announced. */
const longSeconds = 20;

/** A second or two is not said more exactly than it is known. */
const aboutSeconds = (seconds: number) =>
  seconds < 60 ? formatSeconds(Number(seconds.toPrecision(2))) : formatSeconds(Math.round(seconds / 5) * 5);

function describeChange({ change, seconds, bytes }: NonNullable<Outlook["advice"]>): string {
  const option =
    "size" in change
      ? `--size ${formatSize(change.size)}`
      : "precision" in change
        ? "--precision int8"
        : "--low-memory";
  return `Use ${option}: about ${aboutSeconds(seconds)} and ${formatBytes(bytes)}.`;
}

/** "about 40 s and 2.9 GB of memory; 12 GB are free." */
export function describeOutlook({ seconds, bytes, memory, fits, advice, isMeasured }: Outlook): string {
  const takes = `about ${aboutSeconds(seconds)} and ${formatBytes(bytes)} of memory`;
  const guess = isMeasured ? "" : " (estimated: this model has not drawn here yet)";
  if (fits) return `${takes}${guess}; ${formatBytes(memory.free)} are free.`;
  const cure = advice ? describeChange(advice) : "Close other programs, or choose a smaller model.";
  return `${takes}${guess}, but only ${formatBytes(memory.free)} are free. ${cure}`;
}

/** Prints what drawings would take, and draws nothing. */
export async function printForecasts(planned: readonly Planned[], json: boolean): Promise<void> {
  for (const one of planned) {
    const outlook = await look(one);
    const { prompt, size, count } = one.settings;
    if (json) await print(`${JSON.stringify({ kind: "forecast", prompt, size, count, ...outlook })}\n`);
    else if (outlook) await print(`${capitalize(describeOutlook(outlook))}\n`);
    else await print("This kind of model does not say what it takes.\n");
  }
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether forecasting could matter: counting takes a tenth of the time in which the embedded model draws one image. */
const mayBeLong = ({ load, opened, settings }: Planned) => {
  const { usual } = opened.context.sizes;
  const share = (settings.size.width * settings.size.height) / (usual.width * usual.height);
  return load.model !== undefined || settings.count * share >= 8;
};

/** Says what a long drawing will take; warns, of any drawing, if memory will not be enough. */
export async function announce(planned: Planned, progress: Progress): Promise<void> {
  if (!mayBeLong(planned)) return;
  // A forecast that fails is no reason not to draw.
  const outlook = await look(planned).catch(() => undefined);
  if (!outlook) return;
  const text = `This takes ${describeOutlook(outlook)}`;
  if (!outlook.fits) progress.warn(text);
  else if (outlook.seconds >= longSeconds) progress.say(text);
}

/** Learns from a drawing. What cannot be learned is no failure of the drawing. */
export async function learn(
  { opened, load, settings }: Planned,
  measured: Pick<Measured, "meter" | "times"> & { readonly isAlone: boolean },
): Promise<void> {
  const { getWork } = opened;
  if (!getWork) return;
  const { meter, times, isAlone } = measured;
  const peak = isAlone ? { peakBytes: process.resourceUsage().maxRSS * 1024 } : {};
  await keepDrawing({ settings, load, getWork, meter, times, count: settings.count, ...peak }).catch(
    () => undefined,
  );
}
