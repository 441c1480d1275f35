// A button that shows an icon and has a name.
import { Icon, type IconName } from "./icon.jsx";

export interface IconButtonProps {
  readonly icon: IconName;
  /** Its name, for screen readers and as a hint. */
  readonly label: string;
  readonly onClick: (event: MouseEvent) => void;
  /** Whether it is pressed, if it is a switch. */
  readonly isOn?: boolean | undefined;
}

export function IconButton({ icon, label, onClick, isOn }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      aria-pressed={isOn}
      onClick={onClick}
    >
      <Icon name={icon} filled={isOn === true && icon === "heart"} />
    </button>
  );
}
