"""Judges frames against the truth that pictures.py made, for bench.py.

    python judge.py PICTURES

Reads one command a line and answers each with a line:

    score NAME DIR TYPE
                      how near DIR/1.TYPE and DIR/2.TYPE (30° and 60°) are to the truth:
                      PSNR in dB of both, SSIM of both, their bytes together
    agree DIR DIR     the lowest PSNR between the frames of two folders
    quit

Only luma (BT.601) counts, and only within 195 pixels of the centre: every
network shows a circle, and what is outside was made up. One decoder, cv2's,
decodes everyone's frames.
"""

import sys
from pathlib import Path

import cv2
import numpy

pictures = Path(sys.argv[1])
offset = numpy.arange(400) - 199.5
disc = numpy.hypot(offset[:, None], offset) <= 195


def luma(file):
    return cv2.imread(str(file), cv2.IMREAD_COLOR) @ numpy.array([0.114, 0.587, 0.299])


def psnr(a, b):
    return 10 * numpy.log10(255**2 / max(numpy.mean((a - b)[disc] ** 2), 1e-9))


def ssim(a, b):
    """The mean structural similarity, with the usual window: Gaussian, 11×11, sigma 1.5."""

    def blur(picture):
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return (similar / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))[disc].mean()


def score(name, folder, file_type):
    files = [Path(folder, f"{n}.{file_type}") for n in (1, 2)]
    pairs = list(zip(numpy.load(pictures / f"{name}.npy"), map(luma, files)))
    figures = [measure(*pair) for measure in (psnr, ssim) for pair in pairs]
    return *figures, sum(file.stat().st_size for file in files)


def agree(one, other):
    return (min(psnr(luma(Path(one, f"{n}.jpg")), luma(Path(other, f"{n}.jpg"))) for n in range(12)),)


COMMANDS = {"score": score, "agree": agree}

for line in sys.stdin:
    command, *arguments = line.split()
    if command == "quit":
        break
    print(*COMMANDS[command](*arguments), flush=True)
