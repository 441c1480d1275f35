// Looking inside an image of the feed: asks the server to explain it, and shows each part of the explanation as it is found. The
// job's id is made from the image's and the amount, so that asking again finds the explanation that was made before.
import { useEffect, useState } from "preact/hooks";
import { joinExplanations } from "../../src/inspect/explanation-parts.js";
import type { Explanation } from "../../src/inspect/index.js";
import { api } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { formatSeconds, language, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { saveFile } from "../parts/save-file.js";
import { cancelJob } from "../store/jobs.js";
import { getModel } from "../store/models.js";
import { attempt } from "../store/notices.js";
import { closeSheet, viewed } from "../store/ui.js";
import { closeViewer } from "../viewer/open.js";
import { type Amount, allPanels, full } from "./amount.js";
import { Chooser } from "./chooser.jsx";
import { askForExplanation, useExplanation } from "./follow.js";
import { Inside } from "./inside.jsx";
import { getInsideTexts } from "./texts.js";

/** Drawings of the full amount, about. */
const fullDrawings = 35;
/** What takes fewer seconds begins at once, as with the embedded model; for more, the price is told first. */
const cheapSeconds = 60;

export default function InsideSheet({ values }: { readonly values?: unknown }) {
  const { image } = values as { readonly image: StoredImage };
  const [id, setId] = useState<string | undefined>(undefined);
  /** What earlier jobs found. */
  const [before, setBefore] = useState<Explanation | undefined>(undefined);
  const { family, secondsPerImage: seconds = null } = getModel(image.modelId) ?? {};
  const isCheap = family === "nishiki" || (seconds !== null && seconds * fullDrawings < cheapSeconds);
  const { job, explanation, isWhole } = useExplanation(id);
  const all = before && explanation ? joinExplanations(before, explanation) : (explanation ?? before);
  const start = (amount: Amount) =>
    attempt(async () => {
      const { id: next } = await askForExplanation(image, amount);
      setBefore(all);
      setId(next);
    });
  useEffect(() => {
    if (viewed.peek()) closeViewer();
    if (isCheap) void start(full);
  }, []);
  const isRunning = id !== undefined && !isWhole && job?.state !== "failed" && job?.state !== "cancelled";
  const known = all?.panels.map(({ panel }) => panel) ?? [];
  const hasMore = allPanels.some((panel) => !known.includes(panel));
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
      {id !== undefined && !isWhole && <Running job={job} />}
      {all && (
        <Inside
          explanation={all}
          code={language.value}
          isRunning={isRunning}
          {...(isWhole && { onSave: () => void attempt(() => savePage(id!, all)) })}
        />
      )}
      {id === undefined && !isCheap && <Chooser image={image} start={start} />}
      {all && !isRunning && hasMore && <Chooser key={id} image={image} known={known} start={start} />}
    </div>
  );
}

/** The page that the server makes of the job's explanation, with all that is known in its place. */
async function savePage(job: string, explanation: Explanation): Promise<void> {
  const page = await api.explanationPage(job);
  const data = JSON.stringify(explanation).replaceAll("<", "\\u003c");
  const whole = page.replace(
    /(<script id="explanation" type="application\/json">)[\s\S]*?(<\/script>)/,
    (_, start: string, end: string) => `${start}${data}${end}`,
  );
  saveFile(`inside-${explanation.seed}.html`, new Blob([whole], { type: "text/html" }));
}

/** How far it is, and a way to stop it. */
function Running({ job }: { readonly job: Job | undefined }) {
  const texts = getInsideTexts(language.value);
  const { fraction = 0, secondsLeft = null } = job?.progress ?? {};
  if (job?.state === "cancelled")
    return (
      <p class="inside-running" role="status">
        {texts.cancelled}
      </p>
    );
  if (job?.state === "failed")
    return (
      <p class="inside-running" role="alert">
        {job.error?.message}
      </p>
    );
  return (
    <div class="inside-running">
      <p role="status">{texts.waiting}</p>
      <progress value={fraction} aria-label={texts.waiting} />
      <p class="muted">{secondsLeft !== null && texts.left(formatSeconds(secondsLeft))}</p>
      {job && (
        <button type="button" class="button" onClick={() => void cancelJob(job.id)}>
          {texts.stop}
        </button>
      )}
    </div>
  );
}
