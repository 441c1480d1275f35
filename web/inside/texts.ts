// The texts of the view that explains a picture, in every language.
import type { Translated } from "../i18n/index.js";

const percent = (code: string, share: number, digits = 0) =>
  new Intl.NumberFormat(code, { style: "percent", maximumFractionDigits: digits }).format(share);
const number = (code: string, value: number, digits = 0) =>
  new Intl.NumberFormat(code, { maximumFractionDigits: digits }).format(value);

export const en = {
  title: "Inside this picture",
  lead: (prompt: string) => `What happened between “${prompt}” and the picture.`,
  step: (step: number, steps: number) => `Step ${step} of ${steps}`,
  stepHelp: "What the model would draw if it had to stop here. Drag, or use the arrow keys.",
  play: "Play the steps",
  pause: "Pause",
  words: "Words",
  wordsHelp: "Point at a word to see where it went, or at the picture to see the words there.",
  atPlace: "At this place",
  asText: (word: string, share: number) => `${word}: ${percent("en", share, 1)} of the attention`,
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
  search: "Did it search for pictures?",
  searchText: (files: number) =>
    `No. Drawing opens no connection. It read ${files} files on this machine, whose contents are fixed by these hashes:`,
  file: "File",
  size: "Size",
  know: "Does it know hands, perspective, light?",
  knowText:
    "It has no rules for any of them, only what its training pictures had in common. What can be measured is how often it gets things right:",
  knowNothing:
    "It has no rules for any of them, only what its training pictures had in common. For this model nothing has been measured here.",
  skill: "Skill",
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
  device: "Does it need a graphics card?",
  deviceText: (device: string, runtime: string) =>
    `No. This picture was drawn on the device “${device}” by ${runtime}. A graphics card makes the same multiplications faster; the picture is the same but for rounding.`,
  deviceName: "Device",
  deviceState: "",
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
};

export type InsideTexts = Translated<typeof en>;

const de: InsideTexts = {
  title: "Im Innern dieses Bildes",
  lead: (prompt) => `Was zwischen „${prompt}“ und dem Bild geschah.`,
  step: (step, steps) => `Schritt ${step} von ${steps}`,
  stepHelp: "Was das Modell zeichnen würde, müsste es hier aufhören. Ziehen, oder mit den Pfeiltasten.",
  play: "Schritte abspielen",
  pause: "Anhalten",
  words: "Wörter",
  wordsHelp:
    "Zeigen Sie auf ein Wort, um zu sehen, wohin es ging, oder auf das Bild, um die Wörter dort zu sehen.",
  atPlace: "An dieser Stelle",
  asText: (word, share) => `${word}: ${percent("de", share, 1)} der Aufmerksamkeit`,
  where: "Wohin ging jedes Wort?",
  whereText:
    "Jeder Teil des Bildes fragt, welche Wörter ihn angehen. Die hellen Teile einer Karte fragten nach diesem Wort, summiert über alle Schritte und Schichten.",
  regionsText:
    "Dieses Modell teilt das Bild außerdem in Bereiche, von denen jeder den Prompt für sich liest und nach seinem eigenen Mittel der Wörter zeichnet. In jedem Bereich steht das Wort, das er am meisten las.",
  whereLeftOut:
    "Die schärfste Probe ist, ein Wort wegzulassen: gleicher Startwert, gleiche Einstellungen, ein Wort weniger. Was sich dann ändert, hat das Wort getan.",
  without: (word) => `ohne „${word}“`,
  changed: (word) => `von „${word}“ verändert`,
  agreement: (value) =>
    `Übereinstimmung von Karte und Änderung: ${number("de", value, 2)} (1 ist vollkommen, 0 ist Zufall)`,
  average: "Ist es eines davon oder ein Mittel aus allen?",
  averageText: (first, drawing) =>
    `Die erste Vorhersage, aus reinem Rauschen gemacht, kann nur ein Mittel sein: Noch sagt nichts, welches Bild es wird. Sie ist ${number("de", first, 1)} dB vom Mittel aller Startwerte unten entfernt. Das fertige Bild, eines von vielen möglichen, ist ${number("de", drawing, 1)} dB von diesem Mittel entfernt. (Mehr Dezibel heißt ähnlicher.)`,
  alike:
    "Bei diesem Prompt zeichnet das Modell mit jedem Startwert fast dasselbe Bild; darum liegt auch sein Bild nahe am Mittel: Es kennt nur wenige Arten, das zu zeichnen.",
  firstStep: "erste Vorhersage",
  meanOfSeeds: (count) => `Mittel aus ${count} Startwerten`,
  thisOne: "dieses Bild",
  seed: (seed) => `Startwert ${seed}`,
  copy: "Ist es die Kopie eines Trainingsbildes?",
  copyWeights: (bytes) =>
    `Das Modell besteht aus ${bytes} Zahlen. Darin liegt kein Bild, das man nachschlagen könnte.`,
  copyShare: (images, each, picture) =>
    `Trainiert wurde es mit ${number("de", images)} Bildern: ${number("de", each)} Byte für jedes, wo dieses Bild ${number("de", picture)} hat.`,
  copyEmbedded:
    "Trotzdem kann ein Modell ein Bild auswendig lernen; darum wird dieses mit dem verglichen, womit es trainiert wurde.",
  nearestMissing:
    "Die Zeichnungen, mit denen es trainiert wurde, liegen nicht auf diesem Rechner. `nishiki data build` macht sie; dann stehen hier die ähnlichsten Trainingsbilder.",
  nearestText: (scenes) =>
    `Seine Trainingsbilder wurden aus Zeichnungen zusammengesetzt. Hier sind ${scenes} zu diesem Text, zusammengesetzt wie im Training; die ähnlichsten stehen neben dem Bild.`,
  nearestHeldOut:
    "Das Training ließ diese Verbindung von Wörtern absichtlich aus: Keines dieser Bilder wurde je gesehen, das Modell hat getrennt Gelerntes zusammengesetzt.",
  nearestOne: (caption, psnr) => `„${caption}“, ${number("de", psnr, 1)} dB`,
  nearestVerdict: (psnr, usual, limit, isCopy) =>
    `Das ähnlichste ist ${number("de", psnr, 1)} dB entfernt; mehr heißt ähnlicher. Ab ${number("de", limit)} dB gilt ein Bild als Beinahe-Kopie: dieses ${isCopy ? "gilt als eine" : "nicht"}. Zum Vergleich: Zu jedem dieser Trainingsbilder gibt es ein anderes mit ${number("de", usual, 1)} dB (Median), weil der Text nicht mehr offenlässt.`,
  nearestPlot: "dB zum ähnlichsten Trainingsbild: dieses Bild (groß) und die Trainingsbilder selbst (klein)",
  copyPublished:
    "Trotzdem kann ein Modell ein Bild auswendig lernen, vor allem eines, das seine Trainingsmenge wiederholte. Diese Trainingsmenge liegt nicht auf diesem Rechner; eine Kopie lässt sich hier nicht ausschließen.",
  pull: (percentile, count) =>
    `Ein Zeichen für Auswendiggelerntes ist ein Prompt, der die erste Vorhersage viel stärker zieht als andere. Dieser zieht stärker als ${percent("de", percentile)} von ${count} gewöhnlichen Prompts desselben Modells.`,
  pullPlot: "Zug an der ersten Vorhersage: dieser Prompt (groß) und gewöhnliche Prompts (klein)",
  pullAxis: "Zug des Prompts je Schritt",
  search: "Hat es nach Bildern gesucht?",
  searchText: (files) =>
    `Nein. Beim Zeichnen wird keine Verbindung geöffnet. Gelesen wurden ${files} Dateien auf diesem Rechner, deren Inhalt diese Prüfsummen festlegen:`,
  file: "Datei",
  size: "Größe",
  know: "Versteht es Hände, Perspektive, Licht?",
  knowText:
    "Es hat für nichts davon Regeln, nur das, was seine Trainingsbilder gemeinsam hatten. Messen lässt sich, wie oft es etwas richtig macht:",
  knowNothing:
    "Es hat für nichts davon Regeln, nur das, was seine Trainingsbilder gemeinsam hatten. Für dieses Modell ist hier nichts gemessen.",
  skill: "Fähigkeit",
  right: "Richtig",
  cost: "Wie viel Rechnung war das?",
  costText: (count, seconds, joules, how) =>
    `${count} Multiplikationen in ${seconds}, etwa ${joules} (${how}).`,
  costTraining: (count, hours, pictures) =>
    `Das Modell zu trainieren kostete einmal ${count} Multiplikationen, in ${number("de", hours, 1)} Stunden auf zwei Prozessorkernen: so viele wie ${pictures} solche Bilder.`,
  measured: "gemessen",
  estimated: (watts) => `geschätzt mit ${watts} W je beschäftigtem Kern`,
  network: "Netz",
  evaluations: "Läufe",
  each: "Multiplikationen je Lauf",
  sum: "Zusammen",
  device: "Braucht es eine Grafikkarte?",
  deviceText: (device, runtime) =>
    `Nein. Dieses Bild entstand auf dem Gerät „${device}“ mit ${runtime}. Eine Grafikkarte rechnet dieselben Multiplikationen schneller; das Bild ist bis auf Rundung dasselbe.`,
  deviceName: "Gerät",
  deviceState: "",
  deviceSpeed: "Tempo",
  devicePicture: "Bild desselben Startwerts",
  deviceThreads: (name, threads) => `${name}, ${threads} ${threads === 1 ? "Thread" : "Threads"}`,
  deviceStates: {
    used: "zeichnete dieses Bild",
    drawn: "zeichnete denselben Startwert",
    absent: "nicht auf diesem Rechner",
    untried: "könnte die Laufzeit nutzen; nicht versucht",
  },
  deviceSame: "dieselben Bytes",
  deviceDifferent: (most, psnr) => `weicht um höchstens ${most} von 255 ab (${number("de", psnr)} dB)`,
  devicePrice: (count) =>
    `Denselben Startwert auf ${count === 1 ? "diesem anderen Gerät" : `diesen ${count} anderen Geräten`} zu zeichnen kostet je vorhandenem Gerät einmal Laden und zwei Bilder: nishiki explain … --devices.`,
  read: "Was hat das Modell gelesen?",
  readText: "Wörter werden in Stücke zerlegt, die das Modell kennt. Mehr erreicht es vom Prompt nicht:",
  encoded: (text) => `Unbekannte Wörter wurden ersetzt: „${text}“.`,
  neighbours: (word, names) => `In die Nähe von „${word}“ stellt der Textencoder ${names}.`,
  neighboursText: "So unterscheidet er Wörter, und darum hält er manches für ein anderes.",
  wordPullText:
    "Bei jedem Schritt wurde dasselbe verrauschte Bild noch einmal mit einem Wort weniger gelesen. Die Linien zeigen, wie viel der Vorhersage an jedem Wort hängt: Hohe Linien am Anfang entscheiden, was das Bild wird, späte bessern nur nach.",
  wordPullAxis: "Was jedes Wort an der Vorhersage ändert, je Schritt",
  when: "Wann wurde es entschieden?",
  whenText: (structure, detail, steps) =>
    `Neun Zehntel des Aufbaus (das Bild in 16×16 Blöcken) sind nach Schritt ${structure} von ${steps} da, neun Zehntel der Einzelheiten nach Schritt ${detail}. Wo etwas liegt, woher Licht und Blick kommen, wird zuerst entschieden; Haare und Kanten kommen zuletzt.`,
  whenAxis: "Anteil der letzten Vorhersage, der schon da ist, je Schritt",
  structure: "Aufbau",
  detail: "Einzelheiten",
  switchText: (word) =>
    `Wie lange kann „${word}“ warten? Hier kommt es erst nach einigen Schritten in den Prompt. Je später es kommt, desto weniger kann es noch entscheiden.`,
  switchStep: (step, steps) => `nach Schritt ${step} von ${steps}`,
  switchNever: "von Anfang an",
  arrowWithout: "ohne den Prompt",
  arrowWith: "mit ihm",
  arrowText: (step) =>
    step === 0
      ? "Aus reinem Rauschen: die Vorhersage ohne den Prompt, mit ihm, und weiter auf dem Pfeil von der einen zur anderen."
      : `Dasselbe nach ${step} Schritten, aus einem verrauschten Bild:`,
  scalesText: "Die fertigen Bilder bei mehreren Faktoren:",
  guidance: "Wie genau hört es hin?",
  guidanceText:
    "Jeder Schritt sagt zweimal voraus, mit dem Prompt und ohne, und geht in Richtung des Unterschieds weiter. Der Faktor sagt, wie viel weiter: Bei 1 wird der Prompt nur gehört, bei hohen Werten schreit er.",
  scale: (scale) => `Faktor ${number("de", scale, 1)}`,
  skillNames: {
    thing: "ein einzelnes Ding",
    colour: "seine Farbe",
    colourAndThing: "Farbe und Ding zugleich",
    twoThings: "zwei Dinge zugleich",
    count: "zählen, eins bis vier",
    place: "links, rechts, über, unter",
    style: "der Stil",
    background: "der Hintergrund",
  },
};

const all: Readonly<Record<string, InsideTexts>> = { en, de };

/** The texts of a language; English where there are none. */
export const getInsideTexts = (code: string): InsideTexts => all[code] ?? en;
