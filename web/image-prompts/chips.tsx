// Below the prompt: pictures that say what to draw, each with its weight, where the model takes them.
import { useId } from "preact/hooks";
import { fileUrl, thumbnailUrl } from "../api/client.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { IconButton } from "../parts/icon-button.js";
import { Popover } from "../parts/popover.js";
import { getWeights } from "./pictures.js";
import { addPictures, type Group, getGroups, getPictures, removePicture, setWeight } from "./state.js";
import "./image-prompts.css";

export function ImagePromptChips() {
  const texts = messages();
  const taken = getGroups();
  if (taken.length === 0) return null;
  return (
    <div class="chips image-prompts" role="group" aria-label={texts.imagePrompts}>
      {taken.flatMap((group) =>
        getPictures(group).images.map((id, index) => (
          <PictureChip key={`${group} ${id}`} group={group} id={id} index={index} />
        )),
      )}
      {taken.length === 1 ? (
        <AddPicture group={taken[0]!} class="chip quiet" />
      ) : (
        <Popover
          class="chip quiet"
          panelClass="list"
          label={
            <>
              <Icon name="plus" />
              {texts.imagePrompts}
            </>
          }
        >
          {(close) => taken.map((group) => <AddPicture key={group} group={group} class="row" done={close} />)}
        </Popover>
      )}
    </div>
  );
}

interface AddProps {
  readonly group: Group;
  readonly class: string;
  readonly done?: () => void;
}

/** A button that asks for files: a label, whose field is not seen. */
function AddPicture({ group, class: className, done }: AddProps) {
  const id = useId();
  return (
    <label class={className} htmlFor={id}>
      <Icon name="plus" />
      {messages().imagePromptGroups[group]}
      <input
        id={id}
        type="file"
        class="unseen"
        accept="image/png,image/jpeg,image/webp"
        multiple
        onChange={({ currentTarget }) => {
          void addPictures(group, [...(currentTarget.files ?? [])]);
          currentTarget.value = "";
          done?.();
        }}
      />
    </label>
  );
}

interface PictureProps {
  readonly group: Group;
  readonly id: string;
  readonly index: number;
}

function PictureChip({ group, id, index }: PictureProps) {
  const texts = messages();
  const title = texts.imagePromptGroups[group];
  const weight = getWeights(getPictures(group))[index]!;
  return (
    <span class="chip lora" title={title}>
      <img
        class="chip-picture"
        src={thumbnailUrl(id)}
        alt={title}
        onError={({ currentTarget }) => {
          // Uploads have no thumbnail on every server.
          if (currentTarget.src !== fileUrl(id)) currentTarget.src = fileUrl(id);
        }}
      />
      <input
        type="range"
        min={0}
        max={2}
        step={0.05}
        value={weight}
        aria-label={texts.weightOf(title)}
        onInput={({ currentTarget }) => setWeight(group, index, Number(currentTarget.value))}
      />
      <output>{formatNumber(weight, 2)}</output>
      <IconButton icon="close" label={texts.removeNamed(title)} onClick={() => removePicture(group, index)} />
    </span>
  );
}
