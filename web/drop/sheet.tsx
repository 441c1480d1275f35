// What dropped pictures say, as buttons that take it over one by one.
import { fileUrl } from "../api/client.js";
import type { EditedImage } from "../editor/state.js";
import { useAsStart } from "../family/actions.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { draft, setSetting } from "../store/draft.js";
import { catalogue } from "../store/models.js";
import { closeSheet, openSheet } from "../store/ui.js";
import "./drop.css";
import { getMissing, getUploadChips, type RecallChip } from "./recall.js";
import { type DroppedPicture, dropped, isTaken, takeChip, takeDropped, uploading } from "./state.js";

export default function DroppedSheet() {
  const texts = messages();
  return (
    <div class="dropped">
      {uploading.value > 0 && <div class="skeleton" role="status" aria-label={texts.reading} />}
      {dropped.value.map((picture) => (
        <Picture key={picture.upload.id} picture={picture} />
      ))}
      <label class="button quiet">
        <Icon name="plus" />
        {texts.addPicture}
        <input
          class="hidden"
          type="file"
          multiple
          accept="image/png,image/jpeg,image/webp"
          onChange={({ currentTarget }) => void takeDropped([...(currentTarget.files ?? [])])}
        />
      </label>
    </div>
  );
}

function Picture({ picture: { upload, name } }: { readonly picture: DroppedPicture }) {
  const texts = messages();
  const { models, additions } = catalogue.value;
  const chips = getUploadChips(upload, models, additions);
  const missing = getMissing(upload, models, additions);
  const { provenance } = upload;
  return (
    <article class="dropped-picture" aria-label={name}>
      <img src={fileUrl(upload.id)} alt={provenance?.prompt || name} />
      <div>
        <p class="muted">
          {provenance ? texts.madeBy(provenance.program) : texts.saysNothing}
          {` · ${formatNumber(upload.width)} × ${formatNumber(upload.height)}`}
        </p>
        {chips.length > 0 && (
          <div class="take-chips" role="group" aria-label={texts.takeOver}>
            {chips.map((chip) => (
              <Chip key={chip.name} chip={chip} />
            ))}
          </div>
        )}
        {missing.length > 0 && <p class="hint">{texts.notHere(missing.join(", "))}</p>}
        <Uses upload={upload} />
        {provenance && (
          <details>
            <summary>{texts.wholeText}</summary>
            <pre>{provenance.raw}</pre>
          </details>
        )}
      </div>
    </article>
  );
}

function Chip({ chip }: { readonly chip: RecallChip }) {
  const texts = messages();
  const isOn = isTaken(chip);
  return (
    <button
      type="button"
      class={`chip take ${chip.name}`}
      aria-pressed={isOn}
      title={chip.value}
      onClick={() => takeChip(chip)}
    >
      {isOn && <Icon name="check" />}
      <span class="name">{texts.chipNames[chip.name]}</span>
      {chip.value && <span class="value">{chip.value}</span>}
    </button>
  );
}

/** What the picture itself can be used for. */
function Uses({ upload }: { readonly upload: DroppedPicture["upload"] }) {
  const texts = messages();
  const { init } = draft.value.settings as { init?: { image?: string } };
  const start = dropped.value.find((other) => other.upload.id === init?.image)?.upload;
  const isMask =
    start && start.id !== upload.id && start.width === upload.width && start.height === upload.height;
  const edit = () => {
    const image: EditedImage = {
      id: upload.id,
      width: upload.width,
      height: upload.height,
      prompt: upload.provenance?.prompt ?? draft.peek().prompt,
      negativePrompt: upload.provenance?.negativePrompt ?? "",
      settings: {},
      modelId: null,
      mask: null,
    };
    openSheet("editor", { image });
  };
  return (
    <div class="uses">
      <button
        type="button"
        class="button small"
        aria-pressed={init?.image === upload.id}
        onClick={() => {
          useAsStart(upload.id, false);
          closeSheet();
        }}
      >
        <Icon name="image" />
        {texts.asStart}
      </button>
      <button type="button" class="button small" onClick={edit}>
        <Icon name="edit" />
        {texts.edit}
      </button>
      {isMask && (
        <button
          type="button"
          class="button small"
          onClick={() => {
            setSetting("inpaint", { mask: upload.id });
            closeSheet();
          }}
        >
          {texts.asMask}
        </button>
      )}
    </div>
  );
}
