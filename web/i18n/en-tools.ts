// English: the texts of the editor, compare, sweeps, dropped pictures, variations, styles, models and training.
import { plural } from "./index.js";

const count = (value: number, forms: Parameters<typeof plural>[2]) => plural("en", value, forms);
const number = (value: number) => new Intl.NumberFormat("en").format(value);

/** What is wrong with the values of an axis. */
export type FaultText = {
  readonly kind: string;
  readonly text?: string;
  readonly value?: number;
  readonly least?: number | undefined;
  readonly most?: number | undefined;
};

function describeRange({ least, most }: FaultText): string {
  if (least !== undefined && most !== undefined) return `from ${least} to ${most}`;
  return least !== undefined ? `of at least ${least}` : `of at most ${most}`;
}

export const enTools = {
  // What can be made of an image
  edit: "Edit",
  larger: "Larger",
  varySubtle: "Vary a little",
  varyStrong: "Vary a lot",
  upscaleSubtle: "Upscale, as it is",
  upscaleCreative: "Upscale, with new details",
  zoomOutBy: (factor: string) => `Zoom out ${factor}×`,
  panTo: { left: "More on the left", right: "More on the right", up: "More above", down: "More below" },
  makeSquare: "Make square",
  saveGrid: "Save as one grid",
  compare: "Compare",
  cannotVary:
    "This image cannot be varied: its model is not here, or can neither mix seeds nor start from an image.",
  cannotEnlarge: "Nothing here can enlarge images.",
  familyTree: "Family",
  familyIsLarger: "The family is larger: open a relative to see more.",
  firstPicture: "First",
  parentActions: {
    again: "Again",
    "vary-subtle": "Varied a little",
    "vary-strong": "Varied a lot",
    remix: "Remix",
    edit: "Edited",
    extend: "Extended",
    enlarge: "Enlarged",
    "start-image": "Started from it",
    sweep: "Sweep",
  },

  // The editor
  canvas: "Canvas: arrow keys move the brush, Enter paints",
  tools: "Tools",
  brush: "Brush",
  eraser: "Eraser",
  pan: "Move",
  brushSize: "Brush size",
  brushSmaller: "Smaller brush",
  brushLarger: "Larger brush",
  pixels: (n: number) => `${number(n)} px`,
  redo: "Redo",
  fillMask: "Mark everything",
  invertMask: "Invert the mask",
  clearMask: "Clear the mask",
  takeMask: "Take up the mask that this image was drawn with",
  extend: "Extend the image",
  extendUp: "Extend upwards",
  extendLeft: "Extend to the left",
  extendRight: "Extend to the right",
  extendDown: "Extend downwards",
  resetFrame: "Back to the image’s size",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  zoomFit: "Fit to the window",
  actualSize: "Actual size",
  strength: "Strength",
  feather: "Soft edge",
  drawsMask: "Only what you mark is drawn again.",
  drawsWhole: (size: string) => `Nothing is marked: all of it is drawn again from itself, at ${size}.`,
  drawsPart: (size: string) => `This model draws ${size} pixels: only the middle of the image fits.`,
  drawsExtension: (size: string) => `The new area is drawn; the result has ${size} pixels.`,
  noInpaintModel: "No model here can edit images.",
  alternatives: "Alternatives",
  alternative: (place: number, of: number) => `Alternative ${place} of ${of}`,
  original: "Original",
  beingDrawn: "Being drawn",
  keep: "Keep",
  discard: "Discard",

  // Compare
  compareMode: "Way of comparing",
  compareModes: { slider: "Slider", side: "Side by side", hover: "Hover" },
  compareSlider: "Boundary between the two images",
  swap: "Swap",
  showOther: "Show the other image",
  sameSettings: "Both have the same settings.",

  // Sweeps
  sweep: "Sweep",
  sweepHelp: "One image for each combination of values, with the settings and the prompt as they are.",
  sweepNeedsPrompt: "Write a prompt first.",
  axes: { x: "Columns", y: "Rows", z: "Tables" },
  axisSetting: (axis: string) => `Setting of the ${axis.toLowerCase()}`,
  axisValues: (axis: string) => `Values of the ${axis.toLowerCase()}`,
  none: "None",
  searchAndReplace: "Words of the prompt",
  replaceExample: "cat, dog, hen",
  allOfThem: (n: string) => `All ${n}`,
  valueCount: (n: number) => count(n, { one: "# value", other: "# values" }),
  valueFault: (fault: FaultText): string => {
    switch (fault.kind) {
      case "not-a-number":
        return `“${fault.text}” is not a number. Write 4, 8 or a range: 1-10, 1-10 (+3), 0-1 [5].`;
      case "out-of-range":
        return `Expected numbers ${describeRange(fault)}, got ${fault.value}.`;
      case "unknown":
        return `“${fault.text}” is not one of the choices.`;
      case "not-a-size":
        return `“${fault.text}” is not a size. Write 512x768.`;
      case "not-found":
        return `The prompt does not contain “${fault.text}”. The first word is replaced by the others.`;
      case "too-many":
        return `At most ${fault.most} values.`;
      default:
        return "Write at least one value.";
    }
  },
  sweepProgress: (done: string, all: string) => `${done} of ${all}`,
  sweepTable: "Table of images",
  exportGrid: "Save as one image",

  // Dropped pictures
  dropped: "Pictures",
  dropHere: "Drop it anywhere",
  reading: "Reading …",
  addPicture: "Add a picture",
  cannotRead: (names: string) => `${names}: not a PNG, JPEG or WebP picture, and not a file of styles.`,
  promptTaken: "The text is the prompt now.",
  madeBy: (program: string) => `Made by ${program}`,
  saysNothing: "The file does not say how it was made",
  takeOver: "Use from this picture",
  chipNames: {
    prompt: "Prompt",
    negativePrompt: "Avoid",
    seed: "Seed",
    size: "Size",
    steps: "Steps",
    guidance: "Guidance",
    sampler: "Sampler",
    model: "Model",
    loras: "LoRA",
    others: "Other settings",
    all: "All",
  },
  notHere: (names: string) => `It was drawn with ${names}: not found here.`,
  asStart: "Start from it",
  asMask: "Use as the mask",
  wholeText: "What the file says",
  startImage: "Start image",
  startWithMask: "Start image with a mask",
  removeStart: "Do not start from an image",
  startIgnored: (model: string) => `${model} cannot start from an image and ignores it.`,

  // Styles and lists
  style: "Style",
  stylesTitle: "Styles",
  styles: "Styles and lists",
  stylesHelp: "A style is added to the prompt; {prompt} in it stands for the prompt.",
  stylesAdded: (styles: number, lists: number) =>
    [
      styles > 0 && count(styles, { one: "# style added", other: "# styles added" }),
      lists > 0 && count(lists, { one: "# list added", other: "# lists added" }),
    ]
      .filter(Boolean)
      .join(", "),
  noStyles: (file: string) => `${file} holds no styles and no list.`,
  lists: "Lists",
  listsHelp:
    "__name__ in a prompt stands for a line of the list, {a|b} for one of the two: another for each image.",
  newStyle: "New style",
  newList: "New list",
  name: "Name",
  withSettings: "With the settings of the prompt bar",
  lines: (n: number) => count(n, { one: "# line", other: "# lines" }),
  linesToChoose: "One line each",
  linesExample: "cat\ndog\nhen",
  insert: (name: string) => `Put __${name}__ into the prompt`,
  importFile: "Open a file",
  exportFile: "Save as a file",
  removed: (name: string) => `${name} removed.`,
  removeNamed: (name: string) => `Remove ${name}`,
  parameters: "Parameters of the prompt",
  readParameters: "Read --parameters and {permutations}",
  readAsWords: "Read them as words",
  drawsPrompts: (prompts: number, images: number) =>
    `Draws ${number(prompts)} prompts, ${number(images)} images in all.`,
  unknownLoras: (names: string) => `There is no LoRA called ${names}.`,
  unknownLists: (names: string) => `There is no list called ${names}.`,

  // Models
  additions: "LoRAs and other additions",
  additionKinds: {
    lora: "LoRA",
    embedding: "Textual inversion",
    vae: "Autoencoder",
    ipAdapter: "IP-Adapter",
  },
  addLora: "LoRA",
  allAreChosen: "All are chosen.",
  weightOf: (name: string) => `Weight of ${name}`,
  memoryFree: (free: string, total: string) => `${free} of ${total} memory free`,
  workers: (n: number) => count(n, { one: "# worker", other: "# workers" }),
  needsMemory: (size: string) => `needs ${size} memory`,
  perImage: (time: string) => `about ${time} per image`,
  use: "Use",
  inUse: "In use",
  load: "Load",
  unload: "Free memory",
  addModel: "Add a model",
  addModelText:
    "Any Stable Diffusion file or folder works, as .safetensors, where it lies. Start the server with the folder:",
  addModelPull: "Or let Nishiki fetch one:",
  lookAgain: "Look again",
  imagePrompts: "Picture prompts",
  imagePromptGroups: {
    imagePrompt: "Picture prompt",
    styleReference: "Style picture",
    layoutReference: "Layout picture",
  },
  ipAdapter: "IP-Adapter",
  noIpAdapter: "None",
  vae: "Autoencoder",
  precision: "Precision",
  int8: "int8: half the memory, a little less exact",

  // Training
  training: "Training",
  train: "Train",
  cannotTrain: "This server cannot train.",
  newTraining: "A new LoRA",
  trainingHelp:
    "Pictures with captions teach the chosen model a person, a thing or a style. Ten to thirty are enough.",
  chooseFolder: "Choose a folder",
  choosePictures: "Add pictures",
  noPictures: "No PNG, JPEG or WebP pictures found.",
  uploadsLeft: (n: number) => count(n, { one: "# picture to go", other: "# pictures to go" }),
  captionOf: (name: string) => `Caption of ${name}`,
  captionPlaceholder: "What does it show?",
  captionsMissing: (n: number) => count(n, { one: "# caption is missing", other: "# captions are missing" }),
  captionForAll: "The same caption for all of them",
  loraName: "Name",
  loraNameExample: "my cat",
  samplePrompt: "Prompt of the samples",
  furtherSettings: "Further settings",
  trainingSteps: "Steps",
  rank: "Rank",
  learningRate: "Learning rate",
  loss: "Loss",
  lossCurve: "Loss over the steps",
  sample: "A sample of the newest state",
  stop: "Stop",
  useLora: "Use it",
  jobStates: {
    queued: "Waiting",
    running: "Running",
    paused: "Paused",
    done: "Done",
    failed: "Failed",
    cancelled: "Stopped",
  },
};
