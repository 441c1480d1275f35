// German: the texts of the editor, compare, sweeps, dropped pictures, variations, styles, models and training.
import type { enTools } from "./en-tools.js";
import { plural, type Translated } from "./index.js";

const count = (value: number, forms: Parameters<typeof plural>[2]) => plural("de", value, forms);
const number = (value: number) => new Intl.NumberFormat("de").format(value);

function describeRange(least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return `von ${least} bis ${most}`;
  return least !== undefined ? `ab ${least}` : `bis ${most}`;
}

export const deTools: Translated<typeof enTools> = {
  edit: "Bearbeiten",
  larger: "Größer",
  varySubtle: "Leicht variieren",
  varyStrong: "Stark variieren",
  upscaleSubtle: "Vergrößern, wie es ist",
  upscaleCreative: "Vergrößern, mit neuen Einzelheiten",
  zoomOutBy: (factor) => `${factor}× herauszoomen`,
  panTo: { left: "Mehr links", right: "Mehr rechts", up: "Mehr oben", down: "Mehr unten" },
  makeSquare: "Quadratisch machen",
  saveGrid: "Als ein Raster speichern",
  compare: "Vergleichen",
  cannotVary:
    "Dieses Bild lässt sich nicht variieren: Sein Modell ist nicht da oder kann weder Seeds mischen noch von einem Bild ausgehen.",
  cannotEnlarge: "Hier kann nichts Bilder vergrößern.",
  familyTree: "Verwandtschaft",
  familyIsLarger: "Es gibt noch mehr Verwandte: Öffne eines der Bilder, um sie zu sehen.",
  firstPicture: "Erstes",
  parentActions: {
    again: "Noch einmal",
    "vary-subtle": "Leicht variiert",
    "vary-strong": "Stark variiert",
    remix: "Remix",
    edit: "Bearbeitet",
    extend: "Erweitert",
    enlarge: "Vergrößert",
    "start-image": "Davon ausgegangen",
    sweep: "Reihe",
  },

  canvas: "Zeichenfläche: Pfeiltasten bewegen den Pinsel, die Eingabetaste malt",
  tools: "Werkzeuge",
  brush: "Pinsel",
  eraser: "Radierer",
  pan: "Verschieben",
  brushSize: "Pinselgröße",
  brushSmaller: "Kleinerer Pinsel",
  brushLarger: "Größerer Pinsel",
  pixels: (n) => `${number(n)} px`,
  redo: "Wiederholen",
  fillMask: "Alles markieren",
  invertMask: "Maske umkehren",
  clearMask: "Maske leeren",
  takeMask: "Die Maske verwenden, mit der dieses Bild gezeichnet wurde",
  extend: "Bild erweitern",
  extendUp: "Nach oben erweitern",
  extendLeft: "Nach links erweitern",
  extendRight: "Nach rechts erweitern",
  extendDown: "Nach unten erweitern",
  resetFrame: "Zurück zur Größe des Bildes",
  zoom: "Zoom",
  zoomIn: "Vergrößern",
  zoomOut: "Verkleinern",
  zoomFit: "Ans Fenster anpassen",
  actualSize: "Originalgröße",
  strength: "Stärke",
  feather: "Weiche Kante",
  drawsMask: "Nur was du markierst, wird neu gezeichnet.",
  drawsWhole: (size) =>
    `Nichts ist markiert: Das ganze Bild wird aus sich selbst neu gezeichnet, mit ${size} Pixeln.`,
  drawsPart: (size) => `Dieses Modell zeichnet ${size} Pixel: Nur die Mitte des Bildes passt hinein.`,
  drawsExtension: (size) => `Die neue Fläche wird gezeichnet; das Ergebnis hat ${size} Pixel.`,
  noInpaintModel: "Kein Modell hier kann Bilder bearbeiten.",
  alternatives: "Alternativen",
  alternative: (place, of) => `Alternative ${place} von ${of}`,
  original: "Original",
  beingDrawn: "Wird gezeichnet",
  keep: "Behalten",
  discard: "Verwerfen",

  compareMode: "Art des Vergleichs",
  compareModes: { slider: "Schieber", side: "Nebeneinander", hover: "Überblenden" },
  compareSlider: "Grenze zwischen den beiden Bildern",
  swap: "Tauschen",
  showOther: "Das andere Bild zeigen",
  sameSettings: "Beide haben dieselben Einstellungen.",

  sweep: "Reihe",
  sweepHelp: "Ein Bild für jede Kombination der Werte, sonst mit Prompt und Einstellungen, wie sie sind.",
  sweepNeedsPrompt: "Schreib zuerst einen Prompt.",
  axes: { x: "Spalten", y: "Zeilen", z: "Tabellen" },
  axisSetting: (axis) => `Einstellung der ${axis}`,
  axisValues: (axis) => `Werte der ${axis}`,
  none: "Keine",
  searchAndReplace: "Wörter des Prompts",
  replaceExample: "cat, dog, hen",
  allOfThem: (n) => `Alle ${n}`,
  valueCount: (n) => count(n, { one: "# Wert", other: "# Werte" }),
  valueFault: (fault) => {
    switch (fault.kind) {
      case "not-a-number":
        return `„${fault.text}“ ist keine Zahl. Schreib 4, 8 oder einen Bereich: 1-10, 1-10 (+3), 0-1 [5].`;
      case "out-of-range":
        return `Möglich sind Zahlen ${describeRange(fault.least, fault.most)}, nicht ${fault.value}.`;
      case "unknown":
        return `„${fault.text}“ steht nicht zur Wahl.`;
      case "not-a-size":
        return `„${fault.text}“ ist keine Größe. Schreib 512x768.`;
      case "not-found":
        return `Der Prompt enthält „${fault.text}“ nicht. Das erste Wort wird durch die anderen ersetzt.`;
      case "too-many":
        return `Höchstens ${fault.most} Werte.`;
      default:
        return "Schreib mindestens einen Wert.";
    }
  },
  sweepProgress: (done, all) => `${done} von ${all}`,
  sweepTable: "Tabelle der Bilder",
  exportGrid: "Als ein Bild sichern",

  dropped: "Bilder",
  dropHere: "Irgendwo ablegen",
  reading: "Wird gelesen …",
  addPicture: "Bild hinzufügen",
  cannotRead: (names) => `${names}: kein PNG-, JPEG- oder WebP-Bild und keine Datei mit Stilen.`,
  promptTaken: "Der Text ist jetzt der Prompt.",
  madeBy: (program) => `Gemacht mit ${program}`,
  saysNothing: "Die Datei verrät nicht, wie sie entstand",
  takeOver: "Von diesem Bild übernehmen",
  chipNames: {
    prompt: "Prompt",
    negativePrompt: "Vermeiden",
    seed: "Seed",
    size: "Größe",
    steps: "Schritte",
    guidance: "Guidance",
    sampler: "Sampler",
    model: "Modell",
    loras: "LoRA",
    others: "Weiteres",
    all: "Alles",
  },
  notHere: (names) => `Gezeichnet wurde es mit ${names}: hier nicht zu finden.`,
  asStart: "Davon ausgehen",
  asMask: "Als Maske verwenden",
  wholeText: "Was die Datei sagt",
  startImage: "Startbild",
  startWithMask: "Startbild mit Maske",
  removeStart: "Nicht von einem Bild ausgehen",
  startIgnored: (model) => `${model} kann nicht von einem Bild ausgehen und lässt es weg.`,

  style: "Stil",
  stylesTitle: "Stile",
  styles: "Stile und Listen",
  stylesHelp: "Ein Stil wird an den Prompt gehängt; {prompt} darin steht für den Prompt.",
  stylesAdded: (styles, lists) =>
    [
      styles > 0 && count(styles, { one: "# Stil hinzugefügt", other: "# Stile hinzugefügt" }),
      lists > 0 && count(lists, { one: "# Liste hinzugefügt", other: "# Listen hinzugefügt" }),
    ]
      .filter(Boolean)
      .join(", "),
  noStyles: (file) => `${file} enthält weder Stile noch eine Liste.`,
  lists: "Listen",
  listsHelp:
    "__name__ im Prompt steht für eine Zeile der Liste, {a|b} für eines von beiden: für jedes Bild neu gewählt.",
  newStyle: "Neuer Stil",
  newList: "Neue Liste",
  name: "Name",
  withSettings: "Mit den aktuellen Einstellungen",
  lines: (n) => count(n, { one: "# Zeile", other: "# Zeilen" }),
  linesToChoose: "Je eine Zeile",
  linesExample: "cat\ndog\nhen",
  insert: (name) => `__${name}__ in den Prompt setzen`,
  importFile: "Datei öffnen",
  exportFile: "Als Datei sichern",
  removed: (name) => `${name} entfernt.`,
  removeNamed: (name) => `${name} entfernen`,
  parameters: "Parameter des Prompts",
  readParameters: "--Parameter und {Varianten} lesen",
  readAsWords: "Als Wörter lesen",
  drawsPrompts: (prompts, images) => `Zeichnet ${prompts} Prompts, zusammen ${images} Bilder.`,
  unknownLoras: (names) => `Ein LoRA namens ${names} gibt es nicht.`,
  unknownLists: (names) => `Eine Liste namens ${names} gibt es nicht.`,

  additions: "LoRAs und andere Zusätze",
  additionKinds: {
    lora: "LoRA",
    embedding: "Textual Inversion",
    vae: "Autoencoder",
    ipAdapter: "IP-Adapter",
  },
  addLora: "LoRA",
  allAreChosen: "Alle sind gewählt.",
  weightOf: (name) => `Gewicht von ${name}`,
  memoryFree: (free, total) => `${free} von ${total} Speicher frei`,
  workers: (n) => count(n, { one: "# Worker", other: "# Worker" }),
  needsMemory: (size) => `braucht ${size} Speicher`,
  perImage: (time) => `etwa ${time} pro Bild`,
  use: "Verwenden",
  inUse: "In Gebrauch",
  load: "Laden",
  unload: "Speicher freigeben",
  addModel: "Modell hinzufügen",
  addModelText:
    "Jede Datei und jeder Ordner von Stable Diffusion im Format .safetensors geht, dort, wo sie liegen. Starte den Server mit dem Ordner:",
  addModelPull: "Oder lass Nishiki eines holen:",
  lookAgain: "Noch einmal nachsehen",
  imagePrompts: "Bilder als Prompt",
  imagePromptGroups: {
    imagePrompt: "Bild als Prompt",
    styleReference: "Bild für den Stil",
    layoutReference: "Bild für den Aufbau",
  },
  ipAdapter: "IP-Adapter",
  noIpAdapter: "Keiner",
  vae: "Autoencoder",
  precision: "Genauigkeit",
  int8: "int8: halber Speicher, etwas ungenauer",

  training: "Training",
  train: "Trainieren",
  cannotTrain: "Dieser Server kann nicht trainieren.",
  newTraining: "Ein neues LoRA",
  trainingHelp:
    "Bilder mit Beschreibungen bringen dem gewählten Modell eine Person, ein Ding oder einen Stil bei. Zehn bis dreißig reichen.",
  chooseFolder: "Ordner wählen",
  choosePictures: "Bilder hinzufügen",
  noPictures: "Keine PNG-, JPEG- oder WebP-Bilder gefunden.",
  uploadsLeft: (n) => count(n, { one: "noch # Bild", other: "noch # Bilder" }),
  captionOf: (name) => `Beschreibung von ${name}`,
  captionPlaceholder: "Was ist zu sehen?",
  captionsMissing: (n) => count(n, { one: "# Beschreibung fehlt", other: "# Beschreibungen fehlen" }),
  captionForAll: "Dieselbe Beschreibung für alle",
  loraName: "Name",
  loraNameExample: "meine Katze",
  samplePrompt: "Prompt der Proben",
  furtherSettings: "Weitere Einstellungen",
  trainingSteps: "Schritte",
  rank: "Rang",
  learningRate: "Lernrate",
  loss: "Verlust",
  lossCurve: "Verlust über die Schritte",
  sample: "Eine Probe des neuesten Stands",
  stop: "Beenden",
  useLora: "Verwenden",
  jobStates: {
    queued: "Wartet",
    running: "Läuft",
    paused: "Angehalten",
    done: "Fertig",
    failed: "Gescheitert",
    cancelled: "Beendet",
  },
};
