// The part of the room that accesses files (node).

export { loadClipFolder, loadEmbeddedClip } from "./node-clip.js";
export { loadT5Folder, t5TokenizerFiles } from "./node-t5.js";
