// The texts of the view that explains a picture, in English: the model of the other languages.
import type { Translated } from "../i18n/index.js";
import { number, percent } from "./numbers.js";

export const en = {
  title: "Inside this picture",
  lead: (prompt: string) => `What happened between “${prompt}” and the picture.`,
  step: (step: number, steps: number) => `Step ${step} of ${steps}`,
  stepHelp: "What the model would draw if it had to stop here. Drag, or use the arrow keys.",
  play: "Play the steps",
  pause: "Pause",
  film: "Save as a film",
  place: "Place in the picture: move with the arrow keys to hear which words are there",
  placeAt: (x: number, y: number, words: string) =>
    `${percent("en", x)} from the left, ${percent("en", y)} from the top: ${words}`,
  pending: "Being drawn …",
  words: "Words",
  wordsHelp: "Point at a word to see where it went, or at the picture to see the words there.",
  atPlace: "At this place",
  asText: (word: string, share: number) => `${word}: ${percent("en", share, 1)} of the attention`,
  negativeWords: "The negative prompt has maps, too: the bright parts asked for what should not be there.",
  where: "Where did each word go?",
  whereText:
    "Every part of the picture asks which words concern it. The bright parts of a map asked for that word, added up over all steps and layers.",
  regionsText:
    "This model also divides the picture into regions, each of which reads the prompt for itself and draws from its own mean of the words. In each region stands the word that it read most.",
  whereLeftOut:
    "The strongest test is to leave a word out: same seed, same settings, one word less. What changes then is what the word did.",
  without: (word: string) => `without “${word}”`,
  changed: (word: string) => `changed by “${word}”`,
  agreement: (value: number) =>
    `Agreement of map and change: ${number("en", value, 2)} (1 is perfect, 0 is chance)`,
  average: "Is it one of them, or an average of all?",
  averageText: (first: number, drawing: number) =>
    `The first prediction, made from pure noise, can only be an average: nothing says yet which picture it will be. It is ${number("en", first, 1)} dB from the mean of all seeds below. The finished picture, one of many possible ones, is ${number("en", drawing, 1)} dB from that mean. (More decibels mean more alike.)`,
  alike:
    "For this prompt the model draws nearly the same picture for every seed, so its picture is close to the average as well: it knows few ways to draw this.",
  firstStep: "first prediction",
  meanOfSeeds: (count: number) => `mean of ${count} seeds`,
  seedSteps: (steps: number, own: number) =>
    `To be quick, the other seeds are drawn with ${steps} steps, this picture with ${own}.`,
  diversity: (value: number) =>
    `In the features of a classifier, two of these pictures are ${number("en", value, 2)} apart (mean).`,
  diversityUsual: (drawings: number, scenes: number) =>
    `For scale: usually, two drawings of one prompt are ${number("en", drawings, 2)} apart, and two pictures composed for one caption, as training has them, ${number("en", scenes, 2)}.`,
  diversityHere: (scenes: number) =>
    `Training pictures for this very caption are ${number("en", scenes, 2)} apart.`,
  thisOne: "this picture",
  seed: (seed: number) => `seed ${seed}`,
  copy: "Is it a copy of a training picture?",
  copyWeights: (bytes: string) =>
    `The model is ${bytes} of numbers. There is no picture among them to look up.`,
  copyShare: (images: number, each: number, picture: number) =>
    `It was trained on ${number("en", images)} pictures: ${number("en", each)} bytes for each, where this picture has ${number("en", picture)}.`,
  copyEmbedded:
    "Still, a model can learn a picture by heart, so this drawing is compared with what it was trained on.",
  nearestMissing:
    "The drawings it was trained on are not on this machine. `nishiki data build` makes them; then the nearest training pictures appear here.",
  nearestText: (scenes: number) =>
    `Its training pictures were composed of drawings. Here are ${scenes} for this caption, composed as training composed them; the nearest ones stand beside the picture.`,
  nearestHeldOut:
    "Training left out this combination of words on purpose, so none of these pictures was ever seen: the model put together what it learned apart.",
  nearestOne: (caption: string, psnr: number) => `“${caption}”, ${number("en", psnr, 1)} dB`,
  nearestVerdict: (psnr: number, usual: number, limit: number, isCopy: boolean) =>
    `The nearest is ${number("en", psnr, 1)} dB away; more is more alike. From ${number("en", limit)} dB on, a picture counts as a near copy: this one ${isCopy ? "does" : "does not"}. For scale: of these training pictures, each has another one at ${number("en", usual, 1)} dB (median), because the caption leaves that little open.`,
  nearestPlot:
    "dB to the nearest training picture: this drawing (large), and training pictures themselves (small)",
  copyPublished:
    "Still, a model can learn a picture by heart, above all one that its training set repeated. That training set is not on this machine, so a copy cannot be ruled out here.",
  pull: (percentile: number, count: number) =>
    `A sign of learning by heart is a prompt that pulls the first prediction far harder than others do. This one pulls harder than ${percent("en", percentile)} of ${count} ordinary prompts of the same model.`,
  pullPlot: "Pull on the first prediction: this prompt (large), and ordinary prompts (small)",
  pullAxis: "Pull of the prompt by step",
  pullName: "the whole prompt",
  trainingPicture: (place: number) => `training picture ${place}`,
  plotHelp: "Move through the values with the arrow keys.",
  plotStep: (step: number, values: string) => `Step ${step}: ${values}`,
  search: "Did it search for pictures?",
  searchText: (files: number) =>
    `No. Drawing opens no connection. It read ${files} files on this machine, whose contents are fixed by these hashes:`,
  file: "File",
  fileAfter: "After drawing",
  fileSame: "the same",
  fileChanged: "another one",
  size: "Size",
  know: "Does it know hands, perspective, light?",
  knowText:
    "It has no rules for any of them, only what its training pictures had in common. What can be measured is how often it gets things right:",
  knowNothing:
    "It has no rules for any of them, only what its training pictures had in common. For this model nothing has been measured here.",
  skill: "Skill",
  cellsText: (rows: number, columns: number, pixels: number) =>
    `What it can work out also depends on room. The picture is drawn as ${rows}×${columns} cells, each of which becomes ${pixels}×${pixels} pixels: a thing that has few of them, such as a hand or a face far away, has few numbers to be right with. Cells of each word:`,
  cells: "Cells",
  word: "Word",
  right: "Right",
  cost: "How much computation was it?",
  costText: (count: string, seconds: string, joules: string, how: string) =>
    `${count} multiplications in ${seconds}, about ${joules} (${how}).`,
  costTraining: (count: string, hours: number, pictures: string) =>
    `Training the model took ${count} multiplications once, in ${number("en", hours, 1)} hours on two processor cores: as many as ${pictures} such pictures.`,
  measured: "measured",
  estimated: (watts: number) => `estimated at ${watts} W per busy core`,
  network: "Network",
  evaluations: "Runs",
  each: "Multiplications each",
  sum: "Together",
  forecastText: (forecast: string, seconds: string) =>
    `Before it was drawn, looking inside was forecast to take ${forecast}; it took ${seconds}.`,
  device: "Does it need a graphics card?",
  deviceText: (device: string, runtime: string) =>
    `No. This picture was drawn on the device “${device}” by ${runtime}. A graphics card makes the same multiplications faster; the picture is the same but for rounding.`,
  deviceName: "Device",
  deviceState: "Part",
  deviceSpeed: "Speed",
  devicePicture: "Picture of the same seed",
  deviceThreads: (name: string, threads: number) =>
    `${name}, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
  deviceStates: {
    used: "drew this picture",
    drawn: "drew the same seed",
    absent: "not on this machine",
    untried: "the runtime could use it; not tried",
  },
  deviceSame: "the same bytes",
  deviceDifferent: (most: number, psnr: number) =>
    `differs by at most ${most} of 255 (${number("en", psnr)} dB)`,
  devicePrice: (count: number) =>
    `Drawing the same seed on ${count === 1 ? "this other device" : `these ${count} other devices`} costs loading the model and two drawings for each that is there: nishiki explain … --devices.`,
  read: "What did the model read?",
  readText: "Words are cut into pieces that the model knows. This is all of the prompt that reaches it:",
  encoded: (text: string) => `Unknown words were replaced: “${text}”.`,
  tokenEnd: (room: number) =>
    `the window of ${room} tokens ends here; what follows is read as a text of its own`,
  tokenCount: (count: number, room: number) =>
    `${number("en", count)} tokens; the text encoder reads ${number("en", room)} at a time.`,
  neighbours: (word: string, names: string) => `Near “${word}”, the text encoder places ${names}.`,
  neighboursText: "That is how it knows words apart, and why it may take one for another.",
  wordPullText:
    "At each step, the same noisy picture was read again with one word less. The lines show how much of the prediction each word accounts for: high lines early decide what the picture is, late ones only touch it up.",
  wordPullAxis: "What each word changes in the prediction, by step",
  when: "When was it decided?",
  whenText: (structure: number, detail: number, steps: number) =>
    `Nine tenths of the structure (the picture in 16×16 blocks) are there after step ${structure} of ${steps}, nine tenths of the detail after step ${detail}. Where things lie, how they are lit and from where they are seen is decided first; hair and edges come last.`,
  whenAxis: "Share of the last prediction that is there, by step",
  structure: "structure",
  detail: "detail",
  switchText: (word: string) =>
    `How long can “${word}” wait? Here it joins the prompt only after some steps. The later it comes, the less of it is left to decide.`,
  switchStep: (step: number, steps: number) => `after step ${step} of ${steps}`,
  switchNever: "from the start",
  arrowWithout: "without the prompt",
  arrowWith: "with it",
  arrowText: (step: number) =>
    step === 0
      ? "From noise alone: the prediction without the prompt, with it, and further along the arrow from one to the other."
      : `The same after ${step} steps, from one noisy picture:`,
  scalesText: "The finished pictures at several scales:",
  guidance: "How hard does it listen?",
  guidanceText:
    "Each step predicts twice, with the prompt and without, and goes further in the direction of the difference. The scale says how much further: at 1 the prompt is only heard, at high values it shouts.",
  scale: (scale: number) => `scale ${number("en", scale, 1)}`,
  skillNames: {
    thing: "a single thing",
    colour: "its colour",
    colourAndThing: "colour and thing together",
    twoThings: "two things at once",
    count: "counting, one to four",
    place: "left, right, above, below",
    style: "the style",
    background: "the background",
  },
  panelTitles: {
    drawing: "the picture, its steps and words, files and cost",
    pull: "how hard the prompt pulls, among ordinary prompts",
    "leave-out": "the same seed without each word",
    seeds: "other seeds, and their average",
    "word-pull": "what each word changes, step by step",
    arrow: "the arrow of guidance",
    switch: "the strongest word, joining later",
    scales: "other guidance scales",
    devices: "the same seed on every device",
  },
  choose: "What should be drawn?",
  chooseText:
    "To show how this picture came about, it is drawn again, with variations that answer questions. Each has its price on this machine.",
  chooseMore: "More to look at",
  drawingAgain: "the picture again, to compare with",
  pricing: "Working out the prices …",
  price: (drawings: number, time: string, memory: string) =>
    `${drawings === 1 ? "1 drawing" : `${number("en", drawings)} drawings`}, about ${time}, ${memory}`,
  noPrice: "This kind of model does not say what it costs.",
  priceSum: (time: string, memory: string) => `Together about ${time} and ${memory} of memory`,
  priceGuess: "Estimated: this model has not drawn here yet.",
  priceShort: (free: string) => `Only ${free} are free.`,
  howMany: (panel: string) => `How many: ${panel}`,
  look: "Look inside",
  stop: "Cancel",
  waiting: "Drawing it again, and looking inside …",
  left: (time: string) => `${time} left`,
  cancelled: "Cancelled. What was found so far stays here until you leave.",
  savePage: "Save as one file",
};

export type InsideTexts = Translated<typeof en>;
