// Training from the page: pictures with captions become a LoRA.
import { useEffect } from "preact/hooks";
import { fileUrl, previewUrl, reportUrl } from "../api/client.js";
import type { Job } from "../api/types.js";
import { takeFiles } from "../drop/state.js";
import { formatNumber, formatSeconds, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { IconButton } from "../parts/icon-button.js";
import { changeDraft, draft } from "../store/draft.js";
import { cancelJob, isActive, pauseJob, resumeJob } from "../store/jobs.js";
import { capabilities, catalogue, refreshCatalogue } from "../store/models.js";
import { closeSheet } from "../store/ui.js";
import { getPath, smooth } from "./curve.js";
import {
  addFiles,
  changeTraining,
  fillCaptions,
  getCurve,
  getTrainings,
  removePicture,
  setCaption,
  startTraining,
  type TrainingPicture,
  trainingDraft,
  uploading,
} from "./state.js";
import "./training.css";

export default function TrainingSheet() {
  const texts = messages();
  useEffect(() => takeFiles("training", (files) => void addFiles(files)), []);
  if (capabilities.value && !capabilities.value.features.includes("train")) return <p>{texts.cannotTrain}</p>;
  return (
    <div class="training">
      {getTrainings().map((job) => (
        <Run key={job.id} job={job} />
      ))}
      <Form />
    </div>
  );
}

function Form() {
  const texts = messages();
  const { name, pictures, samplePrompt } = trainingDraft.value;
  const missing = pictures.filter(({ caption }) => caption.trim() === "").length;
  const isReady = name.trim() !== "" && pictures.length > 0 && missing === 0 && uploading.value === 0;
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (await startTraining()) changeTraining({ name: "", pictures: [] });
  };
  return (
    <form class="training-form" onSubmit={(event) => void onSubmit(event)}>
      <h3>{texts.newTraining}</h3>
      <p class="hint">{texts.trainingHelp}</p>
      <div class="pick">
        <FileButton label={texts.chooseFolder} isFolder />
        <FileButton label={texts.choosePictures} />
        {uploading.value > 0 && <span role="status">{texts.uploadsLeft(uploading.value)}</span>}
      </div>
      {pictures.length > 0 && (
        <ul class="training-pictures">
          {pictures.map((picture) => (
            <PictureRow key={picture.id} picture={picture} />
          ))}
        </ul>
      )}
      {missing > 0 && <FillCaptions missing={missing} />}
      <label>
        <span>{texts.loraName}</span>
        <input
          required
          maxLength={80}
          value={name}
          placeholder={texts.loraNameExample}
          onInput={({ currentTarget }) => changeTraining({ name: currentTarget.value })}
        />
      </label>
      <label>
        <span>{texts.samplePrompt}</span>
        <input
          value={samplePrompt}
          placeholder={pictures.find(({ caption }) => caption !== "")?.caption ?? ""}
          onInput={({ currentTarget }) => changeTraining({ samplePrompt: currentTarget.value })}
        />
      </label>
      <details>
        <summary>{texts.furtherSettings}</summary>
        <div class="numbers">
          <NumberField name="steps" label={texts.trainingSteps} min={1} max={100_000} step={1} />
          <NumberField name="rank" label={texts.rank} min={1} max={256} step={1} />
          <NumberField name="learningRate" label={texts.learningRate} min={1e-8} max={1} step="any" />
        </div>
      </details>
      <button type="submit" class="button draw" disabled={!isReady}>
        {texts.train}
      </button>
    </form>
  );
}

function FileButton({ label, isFolder = false }: { readonly label: string; readonly isFolder?: boolean }) {
  return (
    <label class="button">
      <Icon name={isFolder ? "stack" : "plus"} />
      {label}
      <input
        class="hidden"
        type="file"
        multiple
        {...(isFolder && { webkitdirectory: true })}
        onChange={({ currentTarget }) => {
          void addFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </label>
  );
}

function PictureRow({ picture: { id, name, caption } }: { readonly picture: TrainingPicture }) {
  const texts = messages();
  return (
    <li>
      <img src={fileUrl(id)} alt="" loading="lazy" />
      <textarea
        rows={2}
        value={caption}
        aria-label={texts.captionOf(name)}
        placeholder={texts.captionPlaceholder}
        onInput={({ currentTarget }) => setCaption(id, currentTarget.value)}
      />
      <IconButton icon="close" label={texts.removeNamed(name)} onClick={() => removePicture(id)} />
    </li>
  );
}

function FillCaptions({ missing }: { readonly missing: number }) {
  const texts = messages();
  return (
    <label>
      <span>{texts.captionsMissing(missing)}</span>
      <input
        placeholder={texts.captionForAll}
        onChange={({ currentTarget }) => {
          fillCaptions(currentTarget.value);
        }}
      />
    </label>
  );
}

interface NumberFieldProps {
  readonly name: "steps" | "rank" | "learningRate";
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number | "any";
}

function NumberField({ name, label, min, max, step }: NumberFieldProps) {
  const texts = messages();
  return (
    <label>
      <span>{label}</span>
      <input
        type="number"
        min={min}
        max={max}
        step={step}
        value={trainingDraft.value[name] ?? ""}
        placeholder={texts.usual("")}
        onInput={({ currentTarget }) =>
          changeTraining({
            [name]: Number.isNaN(currentTarget.valueAsNumber) ? null : currentTarget.valueAsNumber,
          })
        }
      />
    </label>
  );
}

const box = { width: 320, height: 90 };

function Curve({ job }: { readonly job: Job }) {
  const texts = messages();
  const points = getCurve(job.id);
  const loss = points.at(-1)?.loss;
  if (points.length < 2) return null;
  const steps = job.progress?.steps ?? 0;
  return (
    <figure class="curve">
      <svg
        viewBox={`0 0 ${box.width} ${box.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={texts.lossCurve}
      >
        <path class="raw" d={getPath(points, { ...box, steps })} />
        <path class="smooth" d={getPath(smooth(points), { ...box, steps }, points)} />
      </svg>
      <figcaption>{loss !== undefined && `${texts.loss} ${formatNumber(loss, 4)}`}</figcaption>
    </figure>
  );
}

function Run({ job }: { readonly job: Job }) {
  const texts = messages();
  const { progress, state, error } = job;
  const name = job.labels.title ?? String(job.request.name ?? "");
  const preview = progress?.preview;
  const sample =
    typeof preview === "number"
      ? previewUrl(job.id, preview)
      : state === "done"
        ? reportUrl(job.id)
        : undefined;
  return (
    <article class="training-run" aria-label={name}>
      <header>
        <h3>{name}</h3>
        <span class="muted">{texts.jobStates[state]}</span>
      </header>
      {isActive(job) && (
        <>
          <progress max={1} value={progress?.fraction ?? 0} aria-label={texts.progress} />
          <p class="muted">
            {progress?.step === 0 && texts.preparing}
            {progress && progress.step > 0 && texts.step(progress.step, progress.steps)}
            {typeof progress?.secondsLeft === "number" && ` · ${formatSeconds(progress.secondsLeft)}`}
          </p>
        </>
      )}
      <Curve job={job} />
      {sample !== undefined && <img class="sample" src={sample} alt={texts.sample} />}
      {error && <p class="fault">{error.hint ? `${error.message} ${error.hint}` : error.message}</p>}
      <div class="run-actions">
        {(state === "running" || state === "queued") && (
          <button type="button" class="button small" onClick={() => void pauseJob(job.id)}>
            <Icon name="pause" />
            {texts.pause}
          </button>
        )}
        {state === "paused" && (
          <button type="button" class="button small" onClick={() => void resumeJob(job.id)}>
            <Icon name="play" />
            {texts.resume}
          </button>
        )}
        {isActive(job) && (
          <button type="button" class="button small quiet" onClick={() => void cancelJob(job.id)}>
            <Icon name="stop" />
            {texts.stop}
          </button>
        )}
        {state === "done" && (
          <button type="button" class="button small accent" onClick={() => void useLora(job)}>
            {texts.useLora}
          </button>
        )}
      </div>
    </article>
  );
}

/** Chooses the trained LoRA and its model, and writes its caption as a prompt if there is none. */
async function useLora(job: Job): Promise<void> {
  await refreshCatalogue();
  const named = [job.result?.lora, job.result?.name, job.request.name].find(
    (name) => typeof name === "string",
  );
  const lora = catalogue.peek().additions.find(({ id, kind }) => kind === "lora" && id === named);
  if (!lora) return;
  const load = draft.peek().load;
  const loras = [...(load.loras ?? []).filter(({ id }) => id !== lora.id), { id: lora.id, weight: 1 }];
  changeDraft({ model: job.model, load: { ...load, loras } });
  closeSheet();
}
