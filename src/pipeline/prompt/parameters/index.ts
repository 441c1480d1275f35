export {
  type ParameterOptions,
  type ParameterRequest,
  type ParsedPrompt,
  type PromptParameter,
  type PromptReading,
  parsePromptParameters,
  readPromptParameters,
} from "./read.js";
