// The part of the room that accesses files (node).

export { loadClipFolder, loadEmbeddedClip } from "./node-clip.js";
