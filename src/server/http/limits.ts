// What one client may take up. Generous for people, finite for attackers.

const MB = 1024 * 1024;

/** Bytes of a JSON body without images. */
export const jsonBytes = MB;
/** Bytes of an uploaded image file. */
export const uploadBytes = 64 * MB;
/** Bytes of a body that carries images as base64, or as parts of a form: one image of the largest size and its mask. */
export const imageBodyBytes = 96 * MB;
/** Levels of nesting in JSON: far beyond any request, far below what recursive code survives. */
export const jsonDepth = 32;
/** Images in one archive. */
export const archiveImages = 5000;
/** Bytes in one archive: beyond this size the format needs an extension that not all programs read. */
export const archiveBytes = 4_000 * MB;

/** Event streams open at a time. A page needs one. */
export const eventStreams = 512;
/** Bytes that wait for a slow reader of events before it gets no more. */
export const eventBuffer = 64 * 1024;
/** Milliseconds between comments, so that neither side takes a quiet stream for a dead one. */
export const eventHeartbeat = 15_000;

/** Sockets open at a time. */
export const connections = 4096;

/** Milliseconds that clients have. */
export interface Timeouts {
  /** Until a request's headers have arrived. */
  readonly headers: number;
  /** Until a whole request has arrived. */
  readonly request: number;
  /** Until the next request on a connection. */
  readonly idle: number;
  /** Until a client reads something of what was sent to it. */
  readonly write: number;
  /** Until open answers are cut off when the server closes. */
  readonly close: number;
}

export const timeouts: Timeouts = {
  headers: 15_000,
  // The largest upload over a slow wireless network.
  request: 300_000,
  idle: 10_000,
  write: 60_000,
  close: 2_000,
};
