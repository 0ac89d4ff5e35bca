"""Wrong uses: a type checker must complain about each line marked so, and no other. It is checked, never run."""

import minivis as mv

net = mv.load("emoji-vgg")
image = mv.read_image("photo.jpg")
acts = net.forward(net.preprocess(image))
net.no_such_method()                                                    # wrong
mv.maximise(net)                                                        # wrong
mv.backprop(net, image, rules="guidde")                                 # wrong
mv.backprop(net, image, rules=["normal", "reluctant"])                  # wrong
net.backward(acts, mv.one_hot(acts, "goose"), relu_rule="guidde")       # wrong
net.forward(net.preprocess(image), algorithm="fastest")                 # wrong
net.forward(net.preprocess(image), grad="everything")                   # wrong
net.forward(net.preprocess(image), until=3)                             # wrong
mv.load("emoji-vgg", device="tpu")                                      # wrong
mv.load(5)                                                              # wrong
mv.saliency(net, image, kind="salience")                                # wrong
mv.maximize(net, "goose", preset="lucyd")                               # wrong
mv.maximize("emoji-vgg", "goose")                                       # wrong
mv.invert(net, image, preset="lucid")                                   # wrong
mv.fool(net, image, norm="L1")                                          # wrong
mv.occlusion(net, image, windw=8)                                       # wrong
mv.classify(net, "photo.jpg", top="all")                                # wrong
print(mv.segment(net, image).no_such_field)                             # wrong
mv.evolve(net, encoding="cpp")                                          # wrong
mv.train.Recipe(steps="many")                                           # wrong
mv.descent.Adan(0.05)                                                   # wrong
mv.layers.LRN(size="five")                                              # wrong
mv.layers.MaxPool2D(2, ceil="yes")                                      # wrong
mv.layers.Conv2D([[1, 2]])                                              # wrong
mv.layers.Pad2D("wide")                                                 # wrong
print(mv.layers.ReLU().output_shape((1, 2)).width)                      # wrong
net.layers.no_such_method()                                             # wrong
mv.Problem(net, mv.objectives.energy("fc8"), shape=(1, 64, 64, 3))      # wrong
mv.descent.Adam("fast")                                                 # wrong
print(mv.saliency(net, image).pictures)                                 # wrong
