// The line above the feed: search, favourites, dates, selecting, and what belongs to the whole application.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Action, actions, isPossible } from "../actions/registry.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { IconButton } from "../parts/icon-button.jsx";
import { openMenu } from "../parts/menu.jsx";
import { isOnline } from "../store/events.js";
import { feedTotal, filter, setFilter } from "../store/images.js";
import { endSelection, isSelecting, openSheet, selection, targets } from "../store/ui.js";

const delay = 200;

export function Toolbar() {
  return isSelecting.value ? <SelectionBar /> : <SearchBar />;
}

function SearchBar() {
  const texts = messages();
  const text = useSignal(filter.peek().search ?? "");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The field follows a filter that was set elsewhere.
  useEffect(() => {
    text.value = filter.value.search ?? "";
  }, [filter.value]);
  const search = (value: string, wait = delay) => {
    text.value = value;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setFilter({ ...filter.peek(), search: value.trim() }), wait);
  };
  const { favourite = false, trash = false } = filter.value;
  return (
    <header class="toolbar">
      <search class="search">
        <Icon name="search" />
        <input
          type="search"
          id="search"
          value={text.value}
          placeholder={trash ? texts.searchTrash : texts.searchPlaceholder}
          aria-label={texts.search}
          title={texts.searchHelp}
          onInput={({ currentTarget }) => search(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") search(text.value, 0);
            else if (event.key === "Escape" && text.value !== "") {
              event.preventDefault();
              search("", 0);
            }
          }}
        />
      </search>
      {isOnline.value === false && <span class="badge alert">{texts.reconnecting}</span>}
      {trash && feedTotal.value > 0 && (
        <button type="button" class="button small" onClick={() => openSheet("emptyTrash")}>
          {texts.emptyTrash}
        </button>
      )}
      <span class="muted total" aria-live="polite">
        {texts.images(feedTotal.value)}
      </span>
      <Toggle
        icon="heart"
        label={texts.favourites}
        isOn={favourite}
        onClick={() => setFilter({ ...filter.peek(), favourite: favourite ? undefined : true })}
      />
      <DateButton />
      <Toggle
        icon="select"
        label={texts.selectImages}
        isOn={false}
        onClick={() => {
          isSelecting.value = true;
        }}
      />
      <Toggle
        icon="trash"
        label={texts.trash}
        isOn={trash}
        onClick={() => setFilter(trash ? {} : { trash: true })}
      />
      <MoreButton />
    </header>
  );
}

function Toggle(props: {
  readonly icon: "heart" | "select" | "trash";
  readonly label: string;
  readonly isOn: boolean;
  readonly onClick: () => void;
}) {
  const { icon, label, isOn, onClick } = props;
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} filled={isOn && icon === "heart"} />
    </button>
  );
}

/** Jumps to a day: shows what was drawn until its end. */
function DateButton() {
  const texts = messages();
  const input = useRef<HTMLInputElement>(null);
  const jump = (day: string) => {
    const others = (filter.peek().search ?? "").replace(/\s*\bbefore:\S+/g, "").trim();
    const next = new Date(`${day}T00:00:00Z`);
    next.setUTCDate(next.getUTCDate() + 1);
    const word =
      day === "" || Number.isNaN(next.getTime()) ? "" : `before:${next.toISOString().slice(0, 10)}`;
    void setFilter({ ...filter.peek(), search: `${others} ${word}`.trim() });
  };
  return (
    <span class="date-button">
      <IconButton icon="calendar" label={texts.jumpToDate} onClick={() => input.current?.showPicker()} />
      <input
        ref={input}
        type="date"
        tabIndex={-1}
        aria-hidden="true"
        max={new Date().toISOString().slice(0, 10)}
        onChange={({ currentTarget }) => jump(currentTarget.value)}
      />
    </span>
  );
}

function MoreButton() {
  const texts = messages();
  const open = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const list = actions.peek().filter(({ section }) => section === "tools" || section === "view");
    openMenu(list, { images: [] }, { x: box.left, y: box.bottom });
  };
  return (
    <button
      type="button"
      class="icon-button"
      aria-haspopup="menu"
      aria-label={texts.menu}
      title={texts.menu}
      onClick={open}
    >
      <Icon name="menu" />
    </button>
  );
}

/** What can be done with the selected images. */
function SelectionBar() {
  const texts = messages();
  const context = { images: targets.value };
  const list: readonly Action[] = actions.value.filter(({ needs }) => needs === "images");
  return (
    <header class="toolbar selecting">
      <IconButton icon="close" label={texts.endSelecting} onClick={endSelection} />
      <span aria-live="polite">{texts.selected(formatNumber(selection.value.size))}</span>
      <span class="spacer" />
      {list
        .filter((action) => action.when?.(context) ?? true)
        .map((action) => (
          <button
            key={action.id}
            type="button"
            class="button small quiet"
            disabled={!isPossible(action, context)}
            onClick={() => action.run(context)}
          >
            {action.icon && <Icon name={action.icon} />}
            <span>{action.title(texts)}</span>
          </button>
        ))}
    </header>
  );
}
