// The library: files, uploads, thumbnails, the index and the search.
export { findDefaultFolder, getLibraryFolder, type LibraryFolder, makeSlug } from "./folder.js";
export { FolderLibrary, type LibraryOptions } from "./library.js";
export { uploadLimits } from "./uploads.js";
