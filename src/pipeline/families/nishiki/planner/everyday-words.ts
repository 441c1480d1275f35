// What the words of everyday prompts become in scenes: a table, since a text encoder's likeness takes an ocean for
// a beach and a logo for a shirt. Alternatives stand in their order: a model gets the first that it can draw.

/** One reading of a word. */
export type Reading =
  | { readonly kind: "thing"; readonly name: string; readonly count: number }
  | { readonly kind: "ground"; readonly name: string }
  | { readonly kind: "style"; readonly name: string }
  | { readonly kind: "relation"; readonly name: Relation }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "cannot"; readonly what: Impossible }
  /** A word for a background that takes a colour. */
  | { readonly kind: "plain"; readonly name: string }
  | { readonly kind: "skip" };

/** How the first of two things lies to the second. */
export type Relation = "beside" | "left" | "right" | "above" | "below" | "on" | "front" | "behind";

/** What no model of this kind draws. */
export type Impossible = "people" | "writing" | "photographs" | "feelings";

/** A line is: words: readings in the order of preference, apart by |. */
const lines = `
# places
forest, woods, wood, woodland, pine forest, rainforest, jungle, forest clearing, enchanted forest: ground forest | thing pine tree
winter woods, winter forest, snowy woods, snowy forest: ground snowy forest | ground snow
winter, wintry, snowy, snow, in the snow, snowfall, snowy landscape, blizzard, snowing, ice, icy, arctic, antarctica, north pole: ground snow
lake, pond, lagoon, river, riverside, lakeside, fjord: ground lake | ground sea
mountain lake, alpine lake: ground lake | thing mountain
sea, ocean, open ocean, seaside, coast, shore, waterfront, bay, harbour, harbor, port, open water, waves, on the sea, at sea: ground sea
on the beach, on a beach, at the beach, by the beach, seashore, tropical beach, sandy beach, beach at: ground beach | ground sea
meadow, field, fields, grass, grassy, grassland, lawn, pasture, countryside, farmland, farm, prairie, hillside, rolling hills, hills, valley, park, spring, springtime, summer, savanna, savannah, landscape: ground meadow
garden, flower garden, backyard, flowers garden: ground garden | ground meadow
desert, dunes, sahara, sand dunes, canyon, wild west: ground desert
mountains, in the mountains, mountain range, alps, himalayas, mountain landscape, alpine: ground mountains | thing mountain
city, in the city, in a city, downtown, new york, tokyo, london, paris, urban: ground city | thing office building
city at night, night city, cyberpunk city: ground city at night | thing office building
street, on the street, road, on the road, on a road, alley, sidewalk: ground road | thing highway
room, living room, indoors, bedroom, in a room, kitchen, inside a house, interior, office, library, in the house: ground room
table, on a table, on the table, desk, on a desk, counter, tabletop, kitchen table, wooden table: ground table
underwater, under water, deep sea, under the sea, ocean floor, seabed, coral reef, aquarium: ground underwater | ground sea
space, outer space, in space, galaxy, cosmos, universe, nebula, deep space, milky way, orbit, among the stars: ground space
in the sky, in the clouds, sky, blue sky, cloudy sky, above the clouds: ground clouds
on the moon, on mars, alien planet: ground space
# times and weather
sunrise, at sunrise, dawn, at dawn, daybreak, early morning, morning, in the morning: ground sunrise | ground sunset
sunset, at sunset, sundown, dusk, at dusk, evening, in the evening, twilight, golden hour, a sunset: ground sunset
night, at night, night sky, starry night, starry, night time, nighttime, midnight, moonlit, moonlight, starlit, under the stars, starry sky, starry night sky, stars at night: ground night sky
rain, in the rain, rainy, raining, rainy day, storm, stormy, downpour: ground rain | thing rain cloud
autumn, in autumn, fall leaves, autumn leaves, autumnal: ground autumn | thing maple leaf
northern lights, aurora, aurora borealis: ground aurora | ground night sky
# things by other words
coffee shop, cafe, café, coffee house, coffeehouse, coffee, latte art, barista: thing cup of coffee
tea, tea house: thing cup of tea
bakery: thing bread
pizzeria: thing pizza
bookshop, bookstore: thing stack of books
bar, pub: thing beer mug
florist, flower shop: thing bouquet
gym: thing boxing glove
music, song, concert: thing musical note
christmas, xmas: thing christmas tree
birthday, birthday party: thing cake
halloween: thing pumpkin
easter: thing nest with eggs
love, romance, valentine: thing heart
breakfast: thing fried egg
lunch, meal: thing sandwich
picnic: thing basket
travel, holiday, vacation: thing suitcase
new year, celebration: thing fireworks
fairy tale castle, fairytale castle, medieval castle: thing castle
spaceship, starship: thing rocket
ufo: thing flying saucer
cityscape: thing city skyline
lighthouse: thing tower
windmill: thing factory
barn: thing hut
cottage, log cabin, wooden cabin, cozy cabin: thing hut
waterfall: thing fountain
iceberg: thing ice cube
treasure: thing diamond
fruit, fruits: thing apple
vegetable, vegetables: thing carrot
dessert: thing cake
drink: thing soft drink
pet: thing dog
cherry: thing cherries
grape: thing grapes
bean: thing beans
animal: thing cat
instrument: thing guitar
toy: thing teddy bear
vehicle: thing car
steam train, steam locomotive: thing train
clock tower: thing wall clock
palm trees: thing palm tree
noodles, bowl of noodles: thing noodle soup
storm clouds: thing storm cloud
smiley, smiley face, happy face: thing sun with a face
honey: thing honey pot
hot air balloon: thing balloon
island, tropical island, desert island: thing desert island
map, map of the world, world map: thing world map
soccer, football match: thing soccer ball
fishing: thing fishing rod
sailing: thing sailboat
skiing: thing skis
camping: thing tent
cycling: thing bicycle
mountain road: ground road | thing mountain
city street, busy street, street scene: ground city | thing office building
fruit bowl, bowl of fruit, bowl of fruits: thing apple
# styles
logo, emblem, badge, brand mark, vector, vector art, minimal, minimalist, minimalistic, flat design, clipart, clip art, poster, flat style, flat illustration, illustration: style flat
icon, app icon, pictogram, icon style: style outlined | style flat
emoji, emojis: style 3d
sticker, die-cut sticker: style sticker | style flat
cartoon, comic, comic book, cartoon style, anime, manga, disney, pixar, ghibli, children's book, kawaii, chibi: style noto | style flat
doodle: style doodle | style pencil
oil painting, impressionist, impressionism, impressionistic, van gogh, monet, painting, acrylic, oil on canvas, fresco, pastel, gouache, fantasy art, rembrandt, painterly, vincent van gogh, claude monet: style gouache | style watercolour
watercolor, watercolour, aquarelle, watercolor painting, watercolour painting, in watercolor, in watercolour: style watercolour
ink wash, sumi-e, chinese ink, ink painting, brush painting, chinese painting: style ink wash | style silhouette
line art, silhouette, ink, ink drawing, black and white, monochrome, in ink, stencil: style silhouette
sketch, pencil drawing, pencil sketch, drawn in pencil, in pencil, charcoal, charcoal drawing, colored pencil, crayon drawing, graphite, line drawing, hand-drawn, hand drawn: style pencil
pixel art, pixel, pixelated, 8-bit, 8 bit, 16-bit, retro game, sprite, pixel art style: style pixel art
woodblock print, woodblock, hiroshige, hokusai, ukiyo-e, japanese print, japanese woodblock print, linocut, woodcut: style woodblock
cubist, cubism, picasso, pablo picasso, cubist painting, cubist style, abstract: style cubist
stained glass, stained glass window: style stained glass | style cubist
mosaic, mosaic style: style mosaic | style stained glass | style pixel art
3d, 3d render, 3d style, render, cgi, claymation, clay, octane render, blender, low poly, isometric, plastic, 3d picture: style 3d
# how things lie
and, next to, beside, near, with, by the side of, holding, carrying, eating, playing, reading, wielding, using, chasing, meets, versus, vs: relation beside
left of, to the left of: relation left
right of, to the right of: relation right
above, over, flying over, jumping over, hovering over: relation above
wearing, under, below, beneath, underneath: relation below
on, on top of, riding, riding on, rides, sitting on, sits on, standing on, sleeping on, lying on, driving, atop, upon: relation on
in front of: relation front
behind: relation behind
# numbers
one, single, 1: count 1
two, 2, a couple of, couple of, couple, a pair of, pair of, both: count 2
three, 3, a few, few, several, some, many, lots of, a group of, group of, a bunch of, bunch of, a herd of, herd of, a flock of, flock of: count 3
four, 4: count 4
five, 5: count 5
six, 6: count 6
# backgrounds
background, backdrop, wall, wallpaper: plain plain
stripes, striped background: plain stripes
dots, polka dots: plain dots
checks, checkered background: plain checks
# what cannot be drawn
portrait, person, people, man, men, woman, women, boy, boys, girl, girls, child, children, kid, kids, baby, babies, guy, guys, lady, ladies, gentleman, human, humans, father, mother, mom, dad, husband, wife, friend, friends, family, crowd, doctor, nurse, teacher, soldier, knight, warrior, samurai, ninja, pirate, king, queen, prince, princess, wizard, witch, elf girl, astronaut, chef, farmer, dancer, singer, musician, athlete, player, model, bride, groom, cowboy, viking, mermaid, fairy, angel, superhero, batman, superman, spiderman, god, goddess, selfie, face, headshot, barbie, grandmother, grandfather, old man, old woman, detective, policeman, firefighter, student, monk, geisha, vampire, zombie, lovers: cannot people
text, word, words, letter, letters, lettering, writing, handwriting, calligraphy, typography, caption, quote, saying, says, sign saying, name tag, alphabet, font, signature, title: cannot writing
photo, photos, photograph, photography, photographic, photorealistic, photorealism, photo-realistic, realistic, hyperrealistic, realism, 35mm, dslr, cinematic, film still, movie still, bokeh, portrait photo, macro photo, polaroid, snapshot, stock photo: cannot photographs
happiness, sadness, freedom, peace, hope, fear, anger, joy, dream, dreams, loneliness, time, truth, justice, chaos, nostalgia: cannot feelings
# words that change nothing
a, an, the, of, in, at, to, from, for, is, are, it, its, that, this, their, his, her, my, your, picture, image, drawing, style, art, artwork, painting of, please, draw, show, make, create, generate, me, scene, view, beautiful, pretty, nice, lovely, cozy, cosy, cute, gorgeous, amazing, stunning, epic, awesome, cool, detailed, highly, very, quality, high, best, masterpiece, ultra, 4k, 8k, hd, uhd, trending, artstation, professional, simple, clean, sharp, focus, colorful, colourful, vibrant, vivid, bright, warm, soft, lighting, light, composition, centered, center, perfect, featuring, made, shop's, design, colors, colours, style of, in the style of, manner, against, front, by, one of, there, into, around, across, standing, sitting, located, surrounded, set, filled, inside, within, through, along, drawn, as, painted, full, body, whole, close-up, close up, closeup, landscape of, render of, plain, print, wild, little, small, tiny, small little, day, sunny, sunny day, daytime, during, out, off, up, down, then, only, just, two-dimensional, or, do, does, did, can, could, would, should, has, have, had, was, were, be, been, being, as, but, who, where, when, what, which, he, she, they, we, you, i, him, them, us, your, our, so, too, also, want, like, looks, looking, going, made of: skip
`;

function readOne(text: string): Reading {
  const [kind, ...rest] = text.trim().split(" ");
  const name = rest.join(" ");
  switch (kind) {
    case "thing":
      return { kind, name, count: 1 };
    case "relation":
      return { kind, name: name as Relation };
    case "count":
      return { kind, count: Number(name) };
    case "cannot":
      return { kind, what: name as Impossible };
    case "ground":
    case "style":
    case "plain":
      return { kind, name };
    default:
      return { kind: "skip" };
  }
}

/** The readings of words in small letters, the best first. */
export const everydayWords: ReadonlyMap<string, readonly Reading[]> = new Map(
  lines
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => {
      const colon = line.lastIndexOf(": ");
      const readings = line
        .slice(colon + 2)
        .split("|")
        .map(readOne);
      return line
        .slice(0, colon)
        .split(", ")
        .map((words): [string, readonly Reading[]] => [words.replaceAll("-", " "), readings]);
    }),
);

/** Grounds that are two in one, for models that have them. */
export const jointGrounds: readonly (readonly [one: string, other: string, both: string])[] = [
  ["forest", "snow", "snowy forest"],
  ["lake", "sunrise", "lake at sunrise"],
  ["lake", "sunset", "lake at sunrise"],
  ["city", "night sky", "city at night"],
];

/** How captions of training say a ground, and a thing that shows it where a prompt names nothing else. */
export const grounds: Readonly<Record<string, readonly [words: string, thing: string]>> = {
  sunset: ["at sunset", "sun"],
  "night sky": ["at night", "moon"],
  sea: ["by the sea", "sailboat"],
  meadow: ["in a meadow", "flower"],
  snow: ["in the snow", "pine tree"],
  desert: ["in the desert", "cactus"],
  space: ["in space", "planet"],
  forest: ["in the forest", "tree"],
  "snowy forest": ["in the snowy woods", "deer"],
  mountains: ["in the mountains", "mountain"],
  lake: ["by a lake", "duck"],
  "lake at sunrise": ["at a mountain lake at sunrise", "sailboat"],
  beach: ["on the beach", "palm tree"],
  city: ["in the city", "bus"],
  "city at night": ["in the city at night", "car"],
  road: ["on the road", "car"],
  room: ["in a living room", "couch"],
  table: ["on a table", "cup of coffee"],
  rain: ["in the rain", "umbrella"],
  underwater: ["under water", "fish"],
  sunrise: ["at sunrise", "tree"],
  clouds: ["in the clouds", "airplane"],
  garden: ["in the garden", "tulip"],
  autumn: ["in autumn", "squirrel"],
  aurora: ["under the northern lights", "pine tree"],
};

/** How captions of training say a style after the scene. */
export const styleWords: Readonly<Record<string, string>> = {
  "3d": "3d style",
  flat: "flat style",
  silhouette: "silhouette",
  noto: "cartoon style",
  blob: "blob style",
  sticker: "sticker style",
  outlined: "icon style",
  doodle: "doodle style",
  woodblock: "as a Japanese woodblock print",
  cubist: "cubist painting",
  "pixel art": "pixel art",
  pencil: "pencil drawing",
  watercolour: "watercolour",
  "stained glass": "stained glass",
  mosaic: "mosaic",
  "ink wash": "ink wash painting",
  gouache: "gouache painting",
};
