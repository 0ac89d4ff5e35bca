"""Fifty small models of Keras, Sequential and functional, each saved as .keras and as .h5; Keras gives the answers.

With Keras 3, or with Keras 2 (TensorFlow 2.12 to 2.15), which lacks some of them.
"""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from cases import Case
from keras import layers as L

KERAS_2 = keras.__version__ < "3"
if KERAS_2:
    from types import SimpleNamespace

    import tensorflow as tf

    ops = SimpleNamespace(convert_to_numpy=np.asarray, convert_to_tensor=np.float32, mean=tf.reduce_mean,
                          relu=tf.nn.relu)
else:
    from keras import ops

MODELS = {}
NOT_IN_2 = ("activations", "activations_alone",         # names of Keras 3
            "channels_first", "channels_first_rows")    # TensorFlow has them on a GPU alone


def model(make):
    MODELS[make.__name__] = make
    return make


def picture(h=20, w=18, c=3, **settings):
    return keras.Input((h, w, c), **settings)


def head(x, n=5):
    return L.Dense(n)(L.Flatten()(x))                   # scores: a softmax may hide a difference


def sequence(*layers, h=20, w=18, c=3, n=5):
    """A Sequential model that ends in a Flatten and an FC layer."""
    return keras.Sequential([picture(h, w, c), *layers, L.Flatten(), L.Dense(n)])


@model
def digits():
    return keras.Sequential([
        picture(28, 28, 1), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(2), L.Conv2D(12, 3, activation="relu"),
        L.MaxPooling2D(2), L.Flatten(), L.Dropout(0.5), L.Dense(10, activation="softmax")])  # fmt: skip


@model
def strides_and_same():
    return sequence(L.Conv2D(6, 3, strides=2, padding="same"), L.Conv2D(6, (3, 2), strides=(2, 1), padding="same"),
                    L.Conv2D(6, 5, strides=3, padding="same"))


@model
def even_kernels():
    return sequence(L.Conv2D(6, 2, padding="same"), L.Conv2D(6, 4, padding="same"), L.Conv2D(6, (2, 4), strides=2,
                    padding="same"), L.Conv2D(4, 2))


@model
def dilation():
    return sequence(L.Conv2D(6, 3, dilation_rate=2, padding="same"), L.Conv2D(6, 2, dilation_rate=(3, 2),
                    padding="same"), L.Conv2D(6, 3, dilation_rate=(1, 2)))


@model
def groups():
    return sequence(L.Conv2D(8, 3, padding="same"), L.Conv2D(12, 3, groups=4, use_bias=False), L.Conv2D(6, 1, groups=2))


@model
def depthwise():
    return sequence(L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), L.ReLU(6), L.DepthwiseConv2D(
        (3, 2), strides=2, padding="same", use_bias=False), L.DepthwiseConv2D(3, dilation_rate=2))


@model
def separable():
    return sequence(L.SeparableConv2D(8, 3, depth_multiplier=2, activation="relu"), L.SeparableConv2D(
        6, 3, strides=2, padding="same", use_bias=False), L.SeparableConv2D(5, 2, dilation_rate=2, padding="same"))


@model
def transposed():
    return sequence(L.Conv2D(6, 3, strides=2, padding="same"), L.Conv2DTranspose(5, 3, strides=2, padding="same"),
                    L.Conv2DTranspose(4, 2, strides=2, activation="relu"), L.Conv2DTranspose(3, 3), L.MaxPooling2D(4))


@model
def transposed_odd():
    return sequence(L.Conv2D(6, 3, strides=2, padding="same"), L.Conv2DTranspose(5, 4, strides=2, padding="same"),
                    L.Conv2DTranspose(4, 2, strides=3), L.Conv2DTranspose(3, (1, 2), strides=2, padding="same"),
                    L.AveragePooling2D(8))  # fmt: skip


@model
def transposed_with_output_padding():
    return sequence(L.Conv2D(6, 3, strides=2, padding="same"), L.Conv2DTranspose(5, 3, strides=2, padding="same",
                    output_padding=1), L.Conv2DTranspose(4, 3, strides=2, output_padding=0), L.MaxPooling2D(4))


@model
def batch_norms():
    return sequence(L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(), L.ReLU(), L.BatchNormalization(scale=False),
                    L.Conv2D(5, 3), L.BatchNormalization(center=False, epsilon=0.01), L.BatchNormalization(
                    scale=False, center=False), L.Activation("relu"))  # fmt: skip


@model
def batch_norm_of_a_row():
    return keras.Sequential([picture(), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(4), L.Flatten(),
                             L.BatchNormalization(), L.Dense(8), L.BatchNormalization(), L.ReLU(), L.Dense(3)])


@model
def pools():
    return sequence(L.Conv2D(6, 3), L.MaxPooling2D(3, strides=2, padding="same"), L.AveragePooling2D(
        3, strides=1, padding="same"), L.AveragePooling2D((2, 3), strides=(1, 2)), L.MaxPooling2D(2, padding="same"))


@model
def global_average():
    return keras.Sequential([picture(), L.Conv2D(6, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(4)])


@model
def global_maximum():
    return keras.Sequential([picture(), L.Conv2D(6, 3, activation="relu"), L.GlobalMaxPooling2D(), L.Dense(
        4, activation="sigmoid")])


@model
def global_pools_that_keep_axes():
    x = i = picture()
    x = L.Conv2D(6, 3, activation="relu")(x)
    a, b = L.GlobalAveragePooling2D(keepdims=True)(x), L.GlobalMaxPooling2D(keepdims=True)(x)
    x = L.Concatenate()([L.Conv2D(5, 1, activation="relu")(a), b])
    return keras.Model(i, L.Dense(4)(L.Flatten()(x)))


@model
def fully_convolutional():
    x = i = picture(None, None)
    x = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = L.Conv2D(5, 1)(x)
    return keras.Model(i, L.Softmax()(L.GlobalAveragePooling2D()(x)))


@model
def noise_and_dropouts():
    return sequence(L.GaussianNoise(0.1), L.Conv2D(6, 3), L.SpatialDropout2D(0.2), L.GaussianDropout(0.1),
                    L.AlphaDropout(0.1), L.ActivityRegularization(0.1), L.Identity(), L.Dropout(0.3))


@model
def augmentation():
    return sequence(L.RandomFlip("horizontal"), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1),
                    L.RandomContrast(0.1), L.Rescaling(1 / 255), L.Conv2D(6, 3, activation="relu"))


@model
def relus():
    return sequence(L.Conv2D(6, 3), L.ReLU(max_value=2), L.Conv2D(6, 3), L.ReLU(negative_slope=0.1),
                    L.Conv2D(6, 3), L.ReLU(threshold=0.2), L.Conv2D(6, 3), L.ReLU(3, 0.2, 0.1))


@model
def leaky():
    return sequence(L.Conv2D(6, 3, activation="leaky_relu"), L.LeakyReLU(), L.Conv2D(6, 3), L.LeakyReLU(0.05),
                    L.Conv2D(6, 3, activation=L.LeakyReLU(0.3)))


@model
def prelus():
    return sequence(L.Conv2D(6, 3), L.PReLU(shared_axes=[1, 2], alpha_initializer="random_normal"), L.Flatten(),
                    L.Dense(7), L.PReLU(alpha_initializer="random_normal"), L.Reshape((1, 1, 7)))


@model
def activations():
    names = ["elu", "selu", "silu", "swish", "hard_swish", "hard_sigmoid", "sigmoid", "tanh", "gelu", "softplus",
             "softsign", "relu6", "mish", "linear"]
    return sequence(*(L.Conv2D(5, 1, activation=name) for name in names), L.Activation("silu"), L.ELU(0.5))


@model
def activations_alone():
    names = ["relu", "sigmoid", "tanh", "elu", "gelu", "hard_silu", "softmax", "log_softmax"]
    return keras.Sequential([picture(), L.Conv2D(5, 3), L.MaxPooling2D(6), L.Flatten(),
                             *(part for name in names for part in (L.Dense(6), L.Activation(name)))])


@model
def padding_and_cropping():
    return sequence(L.ZeroPadding2D(2), L.Conv2D(6, 3), L.ZeroPadding2D((1, 2)), L.MaxPooling2D(2), L.ZeroPadding2D(
        ((1, 0), (0, 2))), L.Conv2D(6, 3, strides=2), L.ZeroPadding2D(1), L.Conv2D(5, 3, padding="same"),
        L.Cropping2D(((1, 0), (1, 1))), L.ReLU())  # fmt: skip


@model
def up_sampling():
    return sequence(L.Conv2D(6, 3, strides=2), L.UpSampling2D(2), L.Conv2D(5, 3), L.UpSampling2D((1, 3)),
                    L.MaxPooling2D(5))


@model
def rescaled():
    return sequence(L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(6, 3, activation="relu"))


@model
def normalised():
    layer = L.Normalization(mean=[123.0, 117.0, 104.0], variance=[3364.0, 3249.0, 3306.0])
    return sequence(L.Rescaling(1.0), layer, L.Conv2D(6, 3, activation="relu"))


@model
def normalised_by_its_data():
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(0, 255, (8, 20, 18, 3)).astype("float32"))
    return sequence(layer, L.Conv2D(6, 3, activation="relu"))


@model
def rescaled_inside():
    return sequence(L.Conv2D(6, 3, activation="relu"), L.Rescaling(0.5, offset=1), L.Conv2D(6, 3))


@model
def read_twice():
    x = i = picture()
    scaled = L.Rescaling(1 / 255)(x)
    a, b = L.Conv2D(6, 3, padding="same")(scaled), L.Conv2D(6, 3, padding="same")(x)
    return keras.Model(i, head(L.Add()([a, b])))


@model
def residual():
    x = i = picture()
    x = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", use_bias=False)(x))
    y = L.ReLU()(L.Add()([x, y]))
    z = L.Conv2D(8, 1, strides=2)(y)
    y = L.Conv2D(8, 3, strides=2, padding="same")(y)
    return keras.Model(i, head(L.Activation("relu")(L.add([z, y]))))


@model
def inception():
    x = i = picture()
    a = L.Conv2D(3, 1, activation="relu")(x)
    b = L.Conv2D(4, 3, padding="same", activation="relu")(a)
    c = L.MaxPooling2D(3, strides=1, padding="same")(x)
    return keras.Model(i, head(L.Concatenate(axis=3)([a, b, c])))


@model
def squeeze_and_excitation():
    x = i = picture()
    x = L.Conv2D(8, 3, activation="silu")(x)
    s = L.GlobalAveragePooling2D()(x)
    s = L.Reshape((1, 1, 8))(s)
    s = L.Conv2D(2, 1, activation="silu")(s)
    s = L.Conv2D(8, 1, activation="sigmoid")(s)
    return keras.Model(i, head(L.Conv2D(4, 1)(L.Multiply()([x, s]))))


@model
def attention_over_positions():
    x = i = picture()
    x = L.Conv2D(8, 3, activation="relu")(x)
    gate = L.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    return keras.Model(i, head(L.Multiply()([x, gate])))


@model
def merges():
    x = i = picture()
    a, b = L.Conv2D(6, 3, activation="relu")(x), L.Conv2D(6, 3, activation="tanh")(x)
    m = L.Average()([a, b])
    s = L.Subtract()([m, b])
    return keras.Model(i, head(L.Concatenate()([m, s, L.Multiply()([a, b])])))


@model
def merged_rows():
    x = i = picture()
    a = L.Flatten()(L.MaxPooling2D(5)(L.Conv2D(4, 3)(x)))
    b = L.Dense(7, activation="relu")(a)
    c = L.Concatenate()([a, b])
    return keras.Model(i, L.Dense(3, activation="softmax")(L.Add()([L.Dense(6)(c), L.Dense(6)(b)])))


@model
def nested():
    base = keras.Sequential([picture(), L.Conv2D(6, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(2)])
    x = i = picture()
    inner = keras.Model(i, L.Conv2D(5, 3)(base(x)), name="inner")
    return keras.Sequential([picture(), inner, L.GlobalAveragePooling2D(), L.Dense(4)])


@model
def nested_and_frozen():
    base = keras.Sequential([picture(), L.Conv2D(6, 3), L.BatchNormalization(), L.ReLU()], name="base")
    base.layers[0].trainable = False
    x = i = picture()
    return keras.Model(i, head(base(L.Rescaling(1 / 255)(x), training=False)))


@model
def shared_layers():
    x = i = picture()
    conv, base = L.Conv2D(3, 3, padding="same"), keras.Sequential([picture(), L.Conv2D(4, 3, activation="relu")])
    y = conv(conv(x))
    return keras.Model(i, head(L.Concatenate()([base(x), base(y)])))


@model
def arithmetic():
    x = i = picture()
    x = (x - 127.5) / 127.5
    y = L.Conv2D(6, 3, padding="same", activation="relu")(x)
    z = L.Conv2D(6, 3, padding="same")(y)
    return keras.Model(i, head(ops.relu(z * 0.5 + y) + 1.0 - y))


@model
def bgr_minus_mean():
    x = i = picture()
    x = x[..., ::-1] + ops.convert_to_tensor([-103.939, -116.779, -123.68])
    return keras.Model(i, L.Dense(4)(L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu")(x))))


@model
def preprocessed_in_the_graph():
    x = i = picture()
    x = keras.applications.mobilenet_v2.preprocess_input(x)
    return keras.Model(i, head(L.Conv2D(6, 3, activation="relu")(x)))


@model
def channels_reversed_inside():
    x = i = picture()
    x = L.Conv2D(6, 3, activation="relu")(x)
    return keras.Model(i, head(L.Conv2D(4, 3)(x[..., ::-1])))


@model
def reshaped_and_permuted():
    x = i = picture()
    x = L.Conv2D(6, 3, activation="relu")(x)
    x = L.Permute((3, 1, 2))(x)
    return keras.Model(i, L.Dense(5)(L.Reshape((-1,))(x)))


@model
def decoder():
    x = i = picture(16, 16)
    x = L.Flatten()(L.Conv2D(4, 3, strides=4)(x))
    x = L.Reshape((4, 4, 3))(L.Dense(48, activation="relu")(x))
    return keras.Model(i, L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(x))


@model
def unet():
    x = i = picture(16, 16)
    a = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    c = L.Concatenate()([a, L.UpSampling2D()(b)])
    return keras.Model(i, L.Conv2D(3, 1, activation="softmax")(c))


@model
def channels_first():
    x = i = keras.Input((3, 20, 18))
    first = {"data_format": "channels_first"}
    x = L.MaxPooling2D(2, **first)(L.Conv2D(6, 3, padding="same", activation="relu", **first)(x))
    x = L.BatchNormalization(axis=1)(x)
    x = L.Concatenate(axis=1)([x, L.Conv2D(4, 3, padding="same", **first)(x)])
    return keras.Model(i, L.Dense(5)(L.Flatten(**first)(x)))


@model
def channels_first_rows():
    x = i = keras.Input((3, 20, 18))
    first = {"data_format": "channels_first"}
    x = L.Conv2D(6, 3, strides=2, activation="relu", **first)(L.ZeroPadding2D(1, **first)(x))
    return keras.Model(i, L.Dense(5)(L.Flatten()(x)))


@model
def mean_of_positions():
    x = i = picture()
    x = L.Conv2D(6, 3, activation="relu")(x)
    return keras.Model(i, L.Dense(4)(ops.mean(x, axis=(1, 2))))


@model
def dense_on_maps():
    return sequence(L.Conv2D(6, 3), L.Dense(5, activation="relu"), L.Dense(4), L.Softmax())


@model
def mobilenet_block():
    x = i = picture(24, 24)
    x = L.Rescaling(1 / 127.5, offset=-1)(x)
    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization(epsilon=1e-3, momentum=0.999)(x))
    y = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(16, 1, use_bias=False)(x)))
    y = L.ZeroPadding2D(((0, 1), (0, 1)))(y)
    y = L.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(y)
    y = L.ReLU(6.0)(L.BatchNormalization()(y))
    y = L.BatchNormalization()(L.Conv2D(8, 1, use_bias=False)(y))
    return keras.Model(i, L.Dense(7, activation="softmax")(L.Dropout(0.2)(L.GlobalAveragePooling2D()(y))))


@model
def one_output():
    return keras.Sequential([picture(), L.Conv2D(6, 3, activation="relu"), L.Flatten(), L.Dense(1,
                             activation="sigmoid")])


@model
def cifar():
    net = [picture(32, 32)]
    for f in (8, 12):
        net += [L.Conv2D(f, 3, padding="same"), L.BatchNormalization(), L.Activation("relu"), L.Conv2D(f, 3),
                L.ReLU(), L.MaxPooling2D(), L.Dropout(0.25)]
    net += [L.Flatten(), L.Dense(16), L.Activation("relu"), L.Dense(10), L.Activation("softmax")]
    return keras.Sequential(net)


PIXELS = ("augmentation", "rescaled", "normalised", "normalised_by_its_data", "read_twice", "nested_and_frozen",
          "arithmetic", "bgr_minus_mean", "preprocessed_in_the_graph", "mobilenet_block")


def make(folder, names=()):
    """Save each model and yield its cases; ``names``: of some alone."""
    for name, build in MODELS.items():
        if (names and name not in names) or (KERAS_2 and name in NOT_IN_2):
            continue
        keras.utils.set_random_seed(0)
        keras.backend.clear_session()
        net = build()
        shake(net)
        rng = np.random.default_rng(0)
        shape = (2, *(n or 24 for n in net.input_shape[1:]))
        x = (rng.integers(0, 256, shape) if name in PIXELS else rng.integers(-255, 256, shape) / 128).astype("f4")
        y = ops.convert_to_numpy(net(x, training=False))
        first = shape[1] == 3
        for ending in (".keras", ".h5"):
            path = folder / f"{name}{ending}"
            if KERAS_2 and ending == ".keras" and "[..., ::-1]" in inspect.getsource(build):
                continue                                # an Ellipsis, which Keras 2 cannot write there
            net.save(path)
            yield Case(f"{name}{ending}", path, x.transpose(0, 2, 3, 1) if first else x, y)


def shake(net):
    """Weights that a new model leaves at 0 or 1 get numbers of their own: biases, batch norm."""
    rng = np.random.default_rng(1)
    for variable in net.variables:
        kind = getattr(variable, "path", variable.name).split("/")[-1].split(":")[0]
        if kind in ("bias", "beta", "moving_mean"):
            variable.assign(0.3 * rng.standard_normal(variable.shape))
        elif kind in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
