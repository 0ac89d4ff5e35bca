"""Sound is fooled as well: with a faint addition the net hears another vowel (lecture 9).

The net reads spectrograms. The gradient of the wanted score goes back through the net to the spectrogram, and through
the spectrogram's adjoint, by hand, to the waveform; there it is added, a little at a time.
"""

import sys

import numpy as np
from loading import chance, load_net, own_options, save, spoken

FROM, TO, DECIBELS, STEPS = "a", "o", 35, 60
FRAME, HOP = 256, 64                                            # samples: 32 ms, every 8 ms
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)


def main(argv=None):
    out = own_options(__doc__, argv, "19_sound.png")
    net, sound = load_net("vowels-net"), spoken(FROM)           # (2048,) at 8,000 samples a second, -1 to 1
    goal = net.class_names.index(TO)
    places = HOP * np.arange(1 + (len(sound) - FRAME) // HOP)[:, None] + np.arange(FRAME)      # (29, 256)

    def look(x):                                                # levels of 0 to 255 for powers of 1e-4 to 1e3
        X = np.fft.rfft(x[places] * WINDOW, axis=1)[:, :FRAME // 2]
        P = abs(X) ** 2 + 1e-5
        return (255 * (np.log10(P) + 4) / 7).clip(0, 255)[None, :, :, None].astype("float32"), X, P

    added = np.zeros_like(sound)
    most = np.sqrt((sound**2).sum() / 10 ** (DECIBELS / 10))    # the length of an addition so far below the sound
    for _ in range(STEPS):
        levels, X, P = look(sound + added)
        acts = net.forward(net.preprocess(levels))
        if acts["prob"][0, goal] > 0.9:
            break
        seed = (np.arange(5) == goal) - acts["prob"]            # d log p(goal) / d logits
        dacts, _ = net.backward(acts, {"fc4": seed.astype("float32")})
        dlevels = net.preprocess_adjoint(dacts["input"])[0, :, :, 0]
        dX = 2 * X * dlevels * 255 / (7 * np.log(10) * P)       # through the logarithm and the power
        dX[:, 1:] /= 2                                          # irfft counts every frequency but 0 twice
        dframes = np.fft.irfft(dX, FRAME, axis=1) * FRAME * WINDOW
        gradient = np.zeros_like(sound)
        np.add.at(gradient, places, dframes)                    # where frames overlap, gradients add up
        added += 0.2 * most * gradient / np.sqrt((gradient**2).sum())
        added *= min(1, most / np.sqrt((added**2).sum()))

    figure = {}
    ratio = 10 * np.log10((sound**2).sum() / (added**2).sum())
    for title, x in (("the sound", sound), ("with the addition", sound + added), ("the addition alone", added)):
        p = net.forward(net.preprocess(look(x)[0]))["prob"][0]
        said = f"heard as {net.class_names[p.argmax()]}, {chance(p.max())}"
        said = f"{ratio:.1f} dB below the sound" if x is added else said
        figure[f"{title}\n{said}"] = np.uint8(look(x)[0][0, :, :, 0].T[::-1, :, None].repeat(4, axis=1))
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
