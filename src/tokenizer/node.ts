// The part of the room that touches files (node).

export { loadClipFolder, loadEmbeddedClip } from "./node-clip.js";
