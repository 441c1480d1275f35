// All models: what they are, whether they fit this machine, and how to add more.
import { useSignal } from "@preact/signals";
import { api } from "../api/client.js";
import type { ModelInfo } from "../api/types.js";
import { formatBytes, formatNumber, formatSeconds, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { changeDraft } from "../store/draft.js";
import { capabilities, catalogue, model, refreshCatalogue } from "../store/models.js";
import { attempt } from "../store/notices.js";
import "./models.css";

export default function ModelsSheet() {
  const texts = messages();
  const isBusy = useSignal(false);
  const { models, additions } = catalogue.value;
  const refresh = async () => {
    isBusy.value = true;
    await refreshCatalogue();
    isBusy.value = false;
  };
  return (
    <div class="models">
      <Machine />
      <ul class="model-list">
        {models.map((one) => (
          <Model key={one.id} one={one} />
        ))}
      </ul>
      {additions.length > 0 && (
        <section aria-labelledby="additions-title">
          <h3 id="additions-title">{texts.additions}</h3>
          <ul class="addition-list">
            {additions.map(({ id, kind, name, bytes, family, words }) => (
              <li key={`${kind} ${id}`}>
                <span class="name">{name}</span>
                <span class="muted">
                  {[texts.additionKinds[kind], family, formatBytes(bytes), words.join(", ")]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section class="add-model" aria-labelledby="add-model-title">
        <h3 id="add-model-title">{texts.addModel}</h3>
        <p>{texts.addModelText}</p>
        <pre>nishiki serve --models ~/models</pre>
        <p>{texts.addModelPull}</p>
        <pre>nishiki pull stabilityai/sd-turbo</pre>
        <button type="button" class="button" disabled={isBusy.value} onClick={() => void refresh()}>
          <Icon name="again" />
          {texts.lookAgain}
        </button>
      </section>
    </div>
  );
}

function Machine() {
  const info = capabilities.value;
  if (!info) return null;
  const texts = messages();
  const { device, memory, workers } = info;
  const parts = [device, texts.memoryFree(formatBytes(memory.free), formatBytes(memory.total))];
  if (workers > 1) parts.push(texts.workers(workers));
  return <p class="machine quiet">{parts.join(" · ")}</p>;
}

function Model({ one }: { readonly one: ModelInfo }) {
  const texts = messages();
  const isChosen = one.id === model.value?.id;
  const isBroken = one.state === "broken";
  const trouble = one.problem ?? (one.fits.fits ? null : (one.fits.reason ?? texts.doesNotFit));
  const { width, height } = (one.sizes.usual ?? {}) as { width?: number; height?: number };
  const facts = [
    one.what,
    width !== undefined && `${formatNumber(width)} × ${formatNumber(height ?? width)}`,
    formatBytes(one.bytes),
    one.memory !== null && texts.needsMemory(formatBytes(one.memory)),
    one.secondsPerImage !== null && texts.perImage(formatSeconds(one.secondsPerImage)),
    one.licence,
  ].filter(Boolean);
  return (
    <li class={isChosen ? "model chosen" : "model"}>
      <div>
        <p>
          <span class={`dot ${one.state}`} title={texts.modelStates[one.state]} />
          <strong>{one.name}</strong>
          <span class="muted">{texts.modelStates[one.state]}</span>
        </p>
        <p class="muted">{facts.join(" · ")}</p>
        {trouble && (
          <p class="fault">
            <Icon name="warning" />
            {trouble}
          </p>
        )}
      </div>
      <div class="model-actions">
        <button
          type="button"
          class={isChosen ? "button small" : "button small accent"}
          aria-pressed={isChosen}
          disabled={isBroken}
          onClick={() => changeDraft({ model: one.id })}
        >
          {isChosen ? texts.inUse : texts.use}
        </button>
        {one.state === "loaded" ? (
          <button
            type="button"
            class="button small quiet"
            onClick={() => void attempt(() => api.unloadModel(one.id))}
          >
            {texts.unload}
          </button>
        ) : (
          <button
            type="button"
            class="button small quiet"
            disabled={isBroken || one.state === "loading"}
            onClick={() => void attempt(() => api.loadModel(one.id))}
          >
            {texts.load}
          </button>
        )}
      </div>
    </li>
  );
}
