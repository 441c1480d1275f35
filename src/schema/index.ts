export { getElement, getMeta, getOptions, getShape, unwrap } from "./inspect.js";
export { type JsonSchema, type JsonSchemaOptions, toJsonSchema } from "./json-schema.js";
export { type FieldDescription, listFields } from "./list-fields.js";
export { type ParseOptions, parse, reject, show } from "./parse.js";
export { getEntries, readText } from "./read-text.js";
export {
  explain,
  flag,
  isRecord,
  nonEmptyText,
  numberBetween,
  oneOf,
  positiveNumber,
  wholeNumber,
} from "./values.js";
export { z } from "./zod.js";
