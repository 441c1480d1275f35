// The feed before the first image: examples that draw at once with the embedded model, and how to add others.
import { formatNumber, messages } from "../i18n/index.js";
import { changeDraft, drawDraft } from "../store/draft.js";
import { setFilter } from "../store/images.js";
import { catalogue, model } from "../store/models.js";
import { openSheet } from "../store/ui.js";
import { getNoise } from "./noise.js";

/** Prompts that the embedded model draws well. */
const examples: readonly string[] = [
  "blue cat against a sunset background",
  "cactus and keyboard, style by Hiroshige",
  "red sailboat on the sea, watercolour",
  "owl, night sky, 3d",
];

export function Empty() {
  const texts = messages();
  const draw = (prompt: string) => {
    changeDraft({ prompt });
    void drawDraft();
  };
  const hasOthers = catalogue.value.models.length > 1;
  return (
    <section class="empty">
      <h2>{texts.emptyTitle}</h2>
      <p>{texts.emptyText}</p>
      <div class="examples">
        {examples.map((prompt) => (
          <button key={prompt} type="button" class="example" onClick={() => draw(prompt)}>
            <span class="example-tile" style={{ backgroundImage: getNoise() }} />
            <span>{prompt}</span>
          </button>
        ))}
      </div>
      <p class="muted">
        {hasOthers
          ? texts.modelsFound(formatNumber(catalogue.value.models.length), model.value?.name ?? "")
          : texts.addModels}{" "}
        <button type="button" class="link" onClick={() => openSheet("models")}>
          {texts.models}
        </button>
      </p>
    </section>
  );
}

export function NothingFound() {
  const texts = messages();
  return (
    <section class="empty">
      <h2>{texts.nothingFound}</h2>
      <p>
        <button type="button" class="link" onClick={() => setFilter({})}>
          {texts.showAll}
        </button>
      </p>
    </section>
  );
}
