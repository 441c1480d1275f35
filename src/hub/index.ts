export {
  type CachedModel,
  findSnapshot,
  isRepositoryName,
  listCachedModels,
  modelInSnapshot,
  resolveFile,
  resolveModel,
} from "./cache.js";
export { type Choice, chooseFiles, type HubFile } from "./choose-files.js";
export { getHubCache, type HubEnvironment, readHubEnvironment } from "./environment.js";
export { checkSpace, type Pulled, type PullOptions, type PullPlan, pullModel } from "./pull.js";
