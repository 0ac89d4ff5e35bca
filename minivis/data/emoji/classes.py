"""The classes of the emoji nets: Unicode short name (CLDR, lower case), code point, aliases, category.

Chosen for the lecture (its goose, bus, flamingo, racing car and dogs) and to look different from one another at 64
pixels: one bus and not three, no second mouse, no face of the sun. Each one is drawn by Noto, Twemoji and OpenMoji.
The order is the order of the net's outputs: add at the end, for a trained net knows its classes by number.
"""

from collections.abc import Iterator
from typing import NamedTuple

TABLE = """
animal
    goose               1FABF
    dog                 1F415   hound
    poodle              1F429
    cat                 1F408   tabby
    flamingo            1F9A9
    owl                 1F989
    duck                1F986   drake, mallard
    eagle               1F985   bald eagle
    parrot              1F99C   macaw
    peacock             1F99A
    rooster             1F413   cock
    penguin             1F427   king penguin
    front-facing baby chick  1F425   chick
    elephant            1F418   african elephant
    two-hump camel      1F42B   camel
    giraffe             1F992
    zebra               1F993
    gorilla             1F98D   ape
    ewe                 1F411   sheep
    hedgehog            1F994
    bat                 1F987
    turtle              1F422   tortoise
    snake               1F40D
    crocodile           1F40A   alligator
    sauropod            1F995   brontosaurus, diplodocus
    t-rex               1F996   tyrannosaurus
    spouting whale      1F433   whale
    shark               1F988   great white shark
    tropical fish       1F420   goldfish
    blowfish            1F421   puffer
    octopus             1F419
    crab                1F980
    spiral shell        1F41A   seashell
    snail               1F40C
    butterfly           1F98B   monarch
    honeybee            1F41D   bee
    lady beetle         1F41E   ladybug, ladybird
    ant                 1F41C
    spider              1F577   tarantula
    scorpion            1F982

animal face
    dog face            1F436   puppy
    cat face            1F431   kitten
    fox                 1F98A   red fox
    lion                1F981
    tiger face          1F42F   tiger
    horse face          1F434   sorrel
    unicorn             1F984
    cow face            1F42E   cow
    pig face            1F437   pig
    frog                1F438   tree frog
    monkey face         1F435   monkey
    koala               1F428
    panda               1F43C   giant panda
    rabbit face         1F430   rabbit, bunny

food
    red apple           1F34E   apple
    pear                1F350
    lemon               1F34B
    banana              1F34C
    watermelon          1F349
    grapes              1F347
    strawberry          1F353
    cherries            1F352   cherry
    pineapple           1F34D
    avocado             1F951
    carrot              1F955
    ear of corn         1F33D   corn, maize
    broccoli            1F966
    eggplant            1F346   aubergine
    pizza               1F355
    hamburger           1F354   cheeseburger
    french fries        1F35F   chips
    doughnut            1F369   donut
    soft ice cream      1F366   ice cream
    birthday cake       1F382   cake
    pretzel             1F968
    croissant           1F950
    hot beverage        2615    coffee, espresso, cup
    wine glass          1F377   red wine
    beer mug            1F37A   beer
    mushroom            1F344   toadstool, agaric

plant
    blossom             1F33C   daisy
    rose                1F339
    cactus              1F335   saguaro
    palm tree           1F334   palm
    evergreen tree      1F332   fir
    maple leaf          1F341   maple
    four leaf clover    1F340   clover

vehicle
    bus                 1F68C   coach, school bus
    racing car          1F3CE   racer, sports car
    locomotive          1F682   steam locomotive, train
    bicycle             1F6B2   bike
    tractor             1F69C
    fire engine         1F692   fire truck
    airplane            2708    airliner, plane
    helicopter          1F681
    rocket              1F680   missile
    flying saucer       1F6F8   ufo
    sailboat            26F5    yacht
    ship                1F6A2   ocean liner

object
    soccer ball         26BD    football
    basketball          1F3C0
    guitar              1F3B8   electric guitar
    trumpet             1F3BA   cornet
    umbrella            2602    parasol
    balloon             1F388
    jack-o-lantern      1F383   pumpkin
    teddy bear          1F9F8   teddy
    key                 1F511
    hammer              1F528
    scissors            2702
    anchor              2693
    alarm clock         23F0    clock
    light bulb          1F4A1   bulb
    camera              1F4F7   reflex camera
    telephone           260E    phone, dial telephone
    crown               1F451
    top hat             1F3A9   hat
    running shoe        1F45F   sneaker
    castle              1F3F0
    snowman without snow  26C4  snowman

face
    ghost               1F47B
    robot               1F916
    skull               1F480
    clown face          1F921   clown
    grinning face       1F600   smiley
"""


class EmojiClass(NamedTuple):
    name: str
    code: str  # hexadecimal code point, without the variation selector
    aliases: tuple[str, ...]
    category: str

    @property
    def text(self) -> str:
        """The character itself, asking for its coloured form."""
        return chr(int(self.code, 16)) + "\ufe0f"


def _read(table: str) -> Iterator[EmojiClass]:
    """Lines at the margin name a category; the others are ``name  CODE  alias, alias``, two spaces apart or more."""
    category = ""
    for line in filter(str.strip, table.splitlines()):
        if not line.startswith(" "):
            category = line
            continue
        name, code, *aliases = (cell for cell in line.split("  ") if cell)
        words = tuple(word.strip() for word in "".join(aliases).split(",") if word.strip())
        yield EmojiClass(name.strip(), code.strip(), words, category)


CLASSES = tuple(_read(TABLE))
NAMES = tuple(c.name for c in CLASSES)
