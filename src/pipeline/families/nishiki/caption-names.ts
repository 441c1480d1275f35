// The other names by which captions of training call things: a model has learned them like the names
// themselves. A test holds the table against the vocabulary.

const lines = `
cat: kitty, kitten
dog: puppy
rabbit: bunny
squirrel: chipmunk
chick: baby chick
ladybug: ladybird
seashell: shell
pine tree: fir tree
palm tree: palm
flower: blossom
four-leaf clover: clover
mushroom: toadstool
eggplant: aubergine
chili pepper: chili
pizza: slice of pizza
hamburger: burger
french fries: fries
donut: doughnut
cake: birthday cake
cup of coffee: coffee cup
wine glass: glass of wine
beer mug: mug of beer
house: home
car: automobile
truck: lorry
bicycle: bike
motorcycle: motorbike
train: locomotive
airplane: plane
flying saucer: ufo
sailboat: sailing boat
moon: crescent moon
fire: flame
drop of water: water drop
television: tv
alarm clock: clock
watch: wristwatch
light bulb: lamp
lock: padlock
bucket: pail
couch: sofa
gift: present
soccer ball: football
violin: fiddle
diamond: gem
top hat: hat
glasses: spectacles
shirt: t-shirt
shoe: sneaker
backpack: rucksack
envelope: letter
pumpkin: jack-o'-lantern
pufferfish: blowfish
tangerine: mandarin
honey pot: pot of honey
taxi: cab
fire truck: fire engine
computer: desktop computer
phone: mobile phone
flashlight: torch
palette: paint palette
wrench: spanner
gear: cog
bathtub: bath
ring: diamond ring
handbag: purse
package: cardboard box
dagger: knife
money bag: bag of money
leopard: cheetah
boar: wild boar
rhinoceros: rhino
hippopotamus: hippo
dove: pigeon
long-necked dinosaur: brontosaurus
caterpillar: bug
cricket: grasshopper
spider web: cobweb
fly: housefly
worm: earthworm
microbe: germ
bouquet: bunch of flowers
lotus: water lily
seedling: sprout
potted plant: houseplant
wheat: sheaf of wheat
nest with eggs: bird's nest
granny smith: granny smith apple
chicken leg: drumstick
noodle soup: ramen
rice dumplings: dango
candy: sweet
champagne bottle: bottle of champagne
temple: classical temple
rock: stone
shop: convenience store
tram: streetcar
off-road car: jeep
fuel pump: gas pump
lifebuoy: ring buoy
thundercloud: thunderstorm
lucky envelope: envelope of lucky money
frisbee: flying disc
target: bullseye
billiard ball: eight ball
necktie: tie
loudspeaker: speaker
minidisc: optical disk
compact disc: cd
pushpin: thumbtack
wastebasket: trash can
pickaxe: pick
gravestone: tombstone
mouth: lips
explosion: boom
`;

/** The thing's own name, by its other names in captions. */
export const captionNames: ReadonlyMap<string, string> = new Map(
  lines
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [name, others] = line.split(": ") as [string, string];
      return others.split(", ").map((other): [string, string] => [other, name]);
    }),
);

/** Side-by-side words of captions for a style: "a pencil sketch of a cat" shows no pencil. */
export const captionStyles: ReadonlySet<string> = new Set(
  (
    "3d picture, 3d render, 3d style, 8-bit style, blob drawing, blob style, cartoon style, colored pencil, cubist painting, cubist style, " +
    "doodle style, flat drawing, flat illustration, flat style, icon style, ink drawing, ink style, in ink, in pencil, " +
    "japanese woodblock print, line art, mosaic style, noto style, pablo picasso, pencil drawing, pencil sketch, pixel art, " +
    "pixel art style, stained glass, stained glass window, sticker style, watercolor painting, watercolour painting, " +
    "woodblock print, woodblock style"
  ).split(", "),
);
