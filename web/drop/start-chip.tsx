// Below the prompt: the picture that drawing starts from, and how much of it is changed.
import { fileUrl, thumbnailUrl } from "../api/client.js";
import { removeStart } from "../family/actions.js";
import { formatNumber, messages } from "../i18n/index.js";
import { IconButton } from "../parts/icon-button.js";
import { draft, setSetting } from "../store/draft.js";
import { model, settingsSchema } from "../store/models.js";
import "./drop.css";

interface Init {
  readonly image: string;
  readonly strength?: number;
}

/** The strength that the server uses if none is given. */
const usual = 0.8;

export function StartChip() {
  const texts = messages();
  const { init, inpaint } = draft.value.settings as { init?: Init; inpaint?: { mask?: string } };
  if (!init?.image) return null;
  const isIgnored = settingsSchema.value !== undefined && !("init" in settingsSchema.value.properties);
  const strength = init.strength ?? (inpaint?.mask ? 1 : usual);
  return (
    <div class="start-chip" role="group" aria-label={texts.startImage}>
      <img
        src={thumbnailUrl(init.image)}
        alt={texts.startImage}
        onError={({ currentTarget }) => {
          // Uploads have no thumbnail on every server.
          if (currentTarget.src !== fileUrl(init.image)) currentTarget.src = fileUrl(init.image);
        }}
      />
      <label>
        <span>{inpaint?.mask ? texts.startWithMask : texts.startImage}</span>
        <input
          type="range"
          min={0.05}
          max={1}
          step={0.05}
          value={strength}
          aria-label={texts.strength}
          onInput={({ currentTarget }) =>
            setSetting("init", { ...init, strength: Number(currentTarget.value) })
          }
        />
        <output title={texts.strength}>{formatNumber(strength, 2)}</output>
      </label>
      <IconButton icon="close" label={texts.removeStart} onClick={removeStart} />
      {isIgnored && <p class="hint">{texts.startIgnored(model.value?.name ?? "")}</p>}
    </div>
  );
}
