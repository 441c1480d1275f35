// Looking inside an image of the feed: asks the server to explain it, and shows the explanation when it is there. The job's id is
// made from the image's and the amount, so that asking again finds the explanation that was made before.
import { useEffect, useState } from "preact/hooks";
import type { Explanation } from "../../src/inspect/index.js";
import { api, newId, reportUrl } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { formatSeconds, language, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { getJob, putJobs } from "../store/jobs.js";
import { getModel } from "../store/models.js";
import { attempt } from "../store/notices.js";
import { closeSheet, viewed } from "../store/ui.js";
import { closeViewer } from "../viewer/open.js";
import { type Amount, countDrawings, full, some } from "./amount.js";
import { Inside } from "./inside.jsx";

const getId = (image: StoredImage, { otherSeeds, leaveOut }: Amount) =>
  `inside-${image.id.slice(0, 40)}-${otherSeeds}-${leaveOut}`;

/** Asks for an explanation, or finds the one that was asked for before. */
async function ask(image: StoredImage, amount: Amount): Promise<Job> {
  const request = { kind: "explain" as const, image: image.id, ...amount, scales: [...amount.scales] };
  let job = await api.putJob(getId(image, amount), request);
  const isGone = job.state === "done" && !(await readReport(job.id));
  if (isGone || job.state === "failed" || job.state === "cancelled") job = await api.putJob(newId(), request);
  putJobs([job], performance.now());
  return job;
}

async function readReport(job: string): Promise<Explanation | undefined> {
  const response = await fetch(reportUrl(job));
  return response.ok ? ((await response.json()) as Explanation) : undefined;
}

export default function InsideSheet({ values }: { readonly values?: unknown }) {
  const { image } = values as { readonly image: StoredImage };
  const [job, setJob] = useState<string | undefined>(undefined);
  const [explanation, setExplanation] = useState<Explanation | undefined>(undefined);
  const seconds = getModel(image.modelId)?.secondsPerImage ?? null;
  // What takes seconds begins at once; for more, the price is told first.
  const isCheap = seconds !== null && seconds * countDrawings(full) < 60;
  const start = (amount: Amount) =>
    attempt(async () => {
      setJob((await ask(image, amount)).id);
    });
  useEffect(() => {
    if (viewed.peek()) closeViewer();
    if (isCheap) void start(full);
  }, []);
  const current = job === undefined ? undefined : getJob(job);
  const isDone = current?.state === "done" || (job !== undefined && current === undefined);
  useEffect(() => {
    if (job === undefined || !isDone) return;
    void attempt(async () => setExplanation(await readReport(job)));
  }, [job, isDone]);
  return (
    <div class="inside-sheet">
      <button
        type="button"
        class="icon-button inside-close"
        aria-label={messages().close}
        onClick={closeSheet}
        autofocus
      >
        <Icon name="close" />
      </button>
      {explanation ? (
        <Inside explanation={explanation} code={language.value} />
      ) : job === undefined && !isCheap ? (
        <Price seconds={seconds} start={start} />
      ) : (
        <Waiting job={current} />
      )}
    </div>
  );
}

function Price({ seconds, start }: { seconds: number | null; start: (amount: Amount) => unknown }) {
  const texts = messages();
  const time = (amount: Amount) => (seconds === null ? "" : formatSeconds(seconds * countDrawings(amount)));
  return (
    <div class="inside-wait">
      <p>{texts.insidePrice}</p>
      {[some, full].map((amount) => (
        <button key={amount.otherSeeds} type="button" class="button" onClick={() => void start(amount)}>
          {texts.insideDraw(countDrawings(amount), time(amount))}
        </button>
      ))}
    </div>
  );
}

function Waiting({ job }: { job: Job | undefined }) {
  const texts = messages();
  const { fraction = 0, secondsLeft = null } = job?.progress ?? {};
  return (
    <div class="inside-wait">
      <p role="status">{job?.state === "failed" ? job.error?.message : texts.insideWait}</p>
      {job?.state !== "failed" && <progress value={fraction} aria-label={texts.insideWait} />}
      {secondsLeft !== null && <p class="muted">{formatSeconds(secondsLeft)}</p>}
    </div>
  );
}
