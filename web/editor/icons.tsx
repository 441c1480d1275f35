// Icons of the editor's tools, in the manner of those of the page; they are loaded with the editor.
const paths = {
  brush:
    "M16.500 3.500 9 11M6.500 11.500a2.500 2.500 0 0 1 2.500 2.500c0 2-2 2.500-5.500 2.500 1-1 .5-1.500.5-2.500a2.500 2.500 0 0 1 2.500-2.500z",
  eraser: "M8 16.500 3.500 12l8-8 5 5-7.500 7.500zM7.500 8l5 5M8 16.500h8.500",
  hand: "M7 11V5.500a1.200 1.200 0 0 1 2.400 0V9.500V4.200a1.200 1.200 0 0 1 2.400 0V9.500V5.200a1.200 1.200 0 0 1 2.400 0V12c0 3-1.500 5-4.500 5-2.500 0-3.500-1-5-4l-1.200-2.500c-.5-1.200 1.200-2 2-.8z",
  fill: "M4 4h12v12H4zM7 7h6v6H7z",
  invert: "M10 3.500a6.500 6.500 0 1 0 0 13zM10 3.500a6.500 6.500 0 0 1 0 13",
  clear: "M4 4h12v12H4zM4 16 16 4",
  redo: "M12.500 4.500 16 8l-3.500 3.500M16 8H8.500a4 4 0 0 0 0 8H12",
  fit: "M4 7.500V4h3.500M12.500 4H16v3.500M16 12.500V16h-3.500M7.500 16H4v-3.500M7.500 7.500h5v5h-5z",
  mask: "M3.500 5.500h13v9h-13zM10 7.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  up: "M10 15.500v-11M5.500 9 10 4.500 14.500 9",
  down: "M10 4.500v11M5.500 11l4.500 4.500 4.500-4.500",
  left: "M15.500 10h-11M9 5.500 4.500 10 9 14.500",
  right: "M4.500 10h11M11 5.500l4.500 4.500-4.500 4.500",
} as const;

export type EditorIconName = keyof typeof paths;

export const EditorIcon = ({ name }: { readonly name: EditorIconName }) => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
