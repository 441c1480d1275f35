// Other names and kinds of what the embedded model draws, where its drawing is a right image of them: a kitten is a cat, a mansion a
// house. A text encoder's likeness does not know that: it holds an ocean for a beach and a ham for a hamster, and of the words
// that it likens most surely a third are wrong. So it only suggests, and this table decides.

/** A line for each name: what else it may be called, or what is a kind of it. Singular; plurals are found by themselves. */
const lines = `
cat: kitty-cat, pussycat, pussy, tomcat, feline, tabby, moggy, house cat, siamese cat
dog: hound, canine, doggy, doggie, puppy dog, bulldog, dachshund, labrador, retriever, terrier, beagle, mutt, pooch, husky, spaniel
wolf: coyote, jackal
fox: vixen
bear: grizzly, grizzly bear, brown bear
lion: lioness
tiger: tigress
leopard: panther, jaguar
cow: calf, cattle, heifer, dairy cow
ox: bull
pig: piglet, hog, swine, sow
sheep: lamb, ewe
horse: pony, stallion, mare, foal, steed, colt, racehorse
donkey: mule, ass
deer: antelope, stag, doe, fawn, roe, gazelle
moose: elk, reindeer, caribou
rabbit: hare, bunny rabbit
mouse: vole
rat: rodent
hamster: guinea pig, gerbil
hedgehog: porcupine
otter: mink
monkey: ape, baboon, macaque
gorilla: silverback
chicken: hen
rooster: cockerel, cock
bird: songbird, sparrow, finch, wren, woodpecker, hummingbird, bluebird, swallow, cuckoo
dove: seagull, gull
duck: mallard, duckling, drake
goose: gander, gosling
eagle: hawk, falcon, buzzard, bird of prey
owl: barn owl, snowy owl
parrot: macaw, cockatoo, budgie, parakeet
swan: cygnet
bee: bumblebee, honeybee, wasp, hornet
butterfly: moth
ant: termite
fly: gnat
spider: tarantula
snail: slug
caterpillar: centipede, maggot
turtle: tortoise, sea turtle, terrapin
snake: serpent, viper, cobra, python, adder, rattlesnake, boa
lizard: gecko, iguana, chameleon, newt, salamander
frog: toad, tree frog, bullfrog
crocodile: alligator, caiman
dinosaur: t-rex, tyrannosaurus, tyrannosaurus rex
long-necked dinosaur: diplodocus, sauropod
fish: trout, salmon, goldfish, cod, tuna, herring, mackerel, sea bass
tropical fish: clownfish, angelfish, guppy
dolphin: porpoise
whale: orca, blue whale, humpback, killer whale
seal: sea lion
shark: great white
shrimp: prawn
oyster: clam, mussel
seashell: conch, scallop
tree: oak, oak tree, birch, willow, elm, maple tree, beech, apple tree, bush
pine tree: spruce, fir, conifer, evergreen, pine
flower: daisy, orchid, dandelion, marigold, buttercup, poppy, anemone
tulip: daffodil, crocus
seedling: sapling
potted plant: pot plant
mushroom: fungus, champignon
corn: maize, corncob, corn on the cob
lettuce: cabbage
cucumber: zucchini, courgette, gherkin
onion: shallot
lemon: lime
tangerine: orange fruit, clementine, grapefruit
peach: apricot, nectarine
mango: papaya
blueberries: blackberry, bilberry
chestnut: walnut, hazelnut, conker
bread: loaf, toast, loaf of bread
baguette: french bread
hamburger: cheeseburger
french fries: chips
hot dog: sausage, bratwurst, frankfurter
steak: fillet
fried egg: omelette
spaghetti: pasta, noodles, macaroni, linguine
noodle soup: bowl of noodles, noodle bowl, pho
bowl of rice: rice bowl, risotto
stew: goulash, casserole
cupcake: muffin
cookie: biscuit
cake: sponge cake, gateau
ice cream: gelato, ice cream cone
cup of coffee: espresso, cappuccino, latte
cup of tea: teacup
teapot: kettle
beer mug: pint, pint of lager, lager, ale, pint of beer
wine glass: goblet, red wine
martini: cocktail
house: mansion, villa, bungalow, farmhouse
hut: cabin, shack, cottage, shed, log cabin
castle: fortress, palace, citadel, chateau
tent: marquee, wigwam
church: chapel, cathedral
office building: skyscraper, office block
city skyline: skyline, metropolis
row of houses: village, town
mountain: peak, hill, summit, mountain peak
wave: sea wave, ocean wave
highway: motorway, freeway, street
car: sedan, motorcar, limousine, hatchback, coupe, roadster, sports car
racing car: race car, formula one car
off-road car: suv
minibus: van, camper van
bus: coach, double-decker
truck: dump truck
bicycle: pushbike, tricycle, mountain bike
motorcycle: moped
train: steam engine, steam train, steam locomotive
airplane: aeroplane, aircraft, jet, airliner, jet plane
propeller plane: biplane
helicopter: chopper
rocket: spaceship, missile, spacecraft, space shuttle
flying saucer: alien ship
ship: steamship, vessel, freighter
sailboat: yacht, sailing ship, schooner, dinghy
canoe: kayak, rowboat, rowing boat
sun: sunshine
planet: mars, saturn, jupiter, venus
globe: earth, planet earth
comet: asteroid, meteor
fire: inferno, campfire, bonfire, blaze
snow cloud: snowstorm, blizzard
umbrella: parasol, brolly
laptop: notebook computer
television: telly, tv set, monitor, screen
phone: smartphone, cell phone, cellphone, mobile
headphones: earphones, headset
computer: pc
camera: webcam
book: novel, dictionary, textbook
newspaper: magazine
paintbrush: brush
scissors: shears
hammer: mallet, sledgehammer
axe: hatchet, tomahawk
dagger: sword, blade
kitchen knife: chef's knife, carving knife
bomb: cannonball
water pistol: squirt gun
bed: bunk
chair: stool, armchair, rocking chair
couch: settee, loveseat
door: doorway
wheel: tire, tyre
gear: cogwheel
wall clock: clock face
package: parcel, carton, crate
suitcase: luggage, baggage
backpack: knapsack
handbag: satchel
coin purse: wallet
banknote: dollar bill, dollar
crown: tiara, coronet
diamond: jewel, gemstone, crystal
glasses: eyeglasses
jeans: trousers, denim trousers, denim jeans
shirt: tee shirt, polo shirt
dress: gown, skirt, frock
coat: jacket, overcoat, raincoat, parka, anorak
shoe: trainer shoe, sneakers, slipper
boot: wellington, wellington boot
gloves: mitten, mittens
cap: baseball cap
top hat: bowler hat
guitar: ukulele, electric guitar, acoustic guitar
violin: viola, cello
trumpet: trombone, cornet, bugle
flute: recorder, clarinet, piccolo
drum: snare drum, bongo
piano: grand piano
sled: sledge, toboggan
gift: gift box, birthday present
teddy bear: stuffed bear, toy bear
ghost: spook, phantom
robot: android, cyborg
ogre: monster, troll
goblin: elf, imp
egg: easter egg
pumpkin: jack o'lantern
christmas tree: xmas tree
rock: boulder, pebble
`;

const byWord = new Map(
  lines
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [name, words] = line.split(": ") as [string, string];
      return words.split(", ").map((word): [string, string] => [word, name]);
    }),
);

/** Singulars that a plural may have. */
function singularsOf(word: string): string[] {
  const stems = [
    word.replace(/s$/, ""),
    // "foxes" is of "fox", but "fires" is not of "fir".
    word.replace(/(s|x|z|ch|sh|o)es$/, "$1"),
    word.replace(/ies$/, "y"),
    word.replace(/ves$/, "f"),
  ];
  return stems.filter((stem) => stem !== word && stem.length > 2);
}

/** The name that another name in small letters, singular or plural, stands for; undefined where none does. */
export function nameFor(words: string): string | undefined {
  return [words, ...singularsOf(words)].map((each) => byWord.get(each)).find((name) => name !== undefined);
}

/** Every other name with the name that it stands for. */
export const otherNames: ReadonlyMap<string, string> = byWord;
