// The native API's data, declared once: types for the page, checks for the server, and the OpenAPI document.
export { type Capabilities, capabilitiesSchema } from "./capabilities.js";
export { eventSchema, type NumberedEvent, type ServerEvent } from "./events.js";
export {
  type ImagePage,
  type ImageQuery,
  imagePageSchema,
  imageQuerySchema,
  imageSchema,
  type Parent,
  parentSchema,
  readImageQuery,
  type StoredImage,
  type Upload,
  uploadSchema,
} from "./image.js";
export {
  type DrawJobRequest,
  drawJobSchema,
  enlargeJobSchema,
  evaluateJobSchema,
  explainJobSchema,
  finalStates,
  type Job,
  type JobError,
  type JobPage,
  type JobQuery,
  type JobRequest,
  type JobState,
  jobErrorSchema,
  jobPageSchema,
  jobQuerySchema,
  jobRequestSchema,
  jobSchema,
  jobStates,
  type Move,
  moveSchema,
  type Progress,
  progressSchema,
  trainJobSchema,
} from "./job.js";
export { type JobLoad, jobLoadSchema } from "./load.js";
export {
  type Addition,
  additionSchema,
  type Catalogue,
  catalogueSchema,
  type ModelInfo,
  modelSchema,
  type Tokens,
  type TokensRequest,
  tokensRequestSchema,
  tokensSchema,
} from "./model.js";
export {
  apiVersion,
  catalogueIdSchema,
  imageIdSchema,
  jobIdSchema,
  textUpTo,
  timeSchema,
  wordsUpTo,
} from "./values.js";
