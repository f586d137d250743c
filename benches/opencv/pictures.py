"""Makes the pictures of bench.py, each with what it truly looks like when turned.

    python pictures.py FOLDER

Each picture exists at several times its size as an icon. The icon, NAME.png, is
that reduced to 400×400 by averaging areas. The truth is the large picture turned
about its centre by quintic splines and then reduced in the same way, so it has
not been through an icon's few pixels: NAME.npy holds its luma at 30° and 60°
clockwise. input.jpg is the first picture as a 4:2:0 JPEG of about 52 kB, which is
what the speed is measured with. Prints the names, one a line.

There are a dead leaves model (discs that hide each other, sizes after a power
law: the statistics of photographs), two flat drawings, one after this project's
icon and one with letters and thin lines, a soft portrait with fractal texture,
and the two photographs within the scikit-image wheel that are large enough, one
of a retina and the Hubble deep field.
"""

import sys
from pathlib import Path

import cv2
import numpy
import skimage
from scipy import ndimage

ICON = 400
LARGE = 4 * ICON
DRAWN = 2 * LARGE
INPUT_BYTES = 52_000


def reduce(picture, side):
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def fractal(rng, slope):
    """Noise of standard deviation 1 whose amplitude falls as frequency**-slope."""
    frequency = numpy.hypot(numpy.fft.fftfreq(LARGE)[:, None], numpy.fft.rfftfreq(LARGE))
    frequency[0, 0] = numpy.inf
    noise = numpy.fft.irfft2(numpy.fft.rfft2(rng.standard_normal((LARGE, LARGE))) / frequency**slope)
    return (noise / noise.std())[:, :, None]


def eight_bits(picture):
    return numpy.clip(numpy.rint(picture), 0, 255).astype(numpy.uint8)


def leaves():
    rng = numpy.random.default_rng(1)
    canvas = numpy.zeros((DRAWN, DRAWN, 3), numpy.uint8)
    smallest, largest = DRAWN / 130, DRAWN / 4
    for _ in range(10_000):
        # The inverse of the distribution function of a density that falls as radius**-3.
        radius = (smallest**-2 - rng.random() * (smallest**-2 - largest**-2)) ** -0.5
        colour = rng.normal(rng.uniform(40, 215), 25, 3).clip(0, 255)
        cv2.circle(canvas, rng.integers(0, DRAWN, 2).tolist(), round(radius), colour.tolist(), cv2.FILLED)
    return eight_bits(reduce(canvas, LARGE) + 6 * fractal(rng, 1))


class Drawing:
    """Flat shapes on a canvas of 512 units, drawn large and then reduced."""

    def __init__(self, background):
        self.canvas = background
        self.scale = DRAWN / 512

    def at(self, *numbers):
        return tuple(round(number * self.scale) for number in numbers)

    def circle(self, x, y, radius, colour, width=None):
        thickness = cv2.FILLED if width is None else self.at(width)[0]
        cv2.circle(self.canvas, self.at(x, y), self.at(radius)[0], colour, thickness)

    def polygon(self, points, colour):
        cv2.fillPoly(self.canvas, [numpy.array([self.at(*point) for point in points])], colour)

    def arc(self, x, y, radii, start, end, width, colour):
        cv2.ellipse(self.canvas, self.at(x, y), self.at(*radii), 0, start, end, colour, self.at(width)[0])

    def line(self, start, end, width, colour):
        cv2.line(self.canvas, self.at(*start), self.at(*end), colour, self.at(width)[0])

    def text(self, words, x, y, size, width, colour):
        scale = size * self.scale / cv2.getTextSize(words, cv2.FONT_HERSHEY_TRIPLEX, 1, 1)[0][1]
        cv2.putText(self.canvas, words, self.at(x, y), cv2.FONT_HERSHEY_TRIPLEX, scale, colour, self.at(width)[0])

    def large(self):
        return reduce(self.canvas, LARGE)


def distance(x, y):
    """The distance of each pixel of a canvas from a point, in units of which the canvas has 512."""
    units = numpy.arange(DRAWN) * (512 / DRAWN)
    return numpy.hypot(units[:, None] - y, units - x)[:, :, None]


def face():
    middle, rim = numpy.array([155, 158, 50]), numpy.array([115, 88, 30])
    shade = (distance(256, 200) / 420).clip(0, 1)
    drawing = Drawing(eight_bits(middle + (rim - middle) * shade))
    skin, red, white, dark, cheek = (189, 224, 255), (77, 74, 230), (255, 255, 255), (61, 51, 36), (155, 172, 250)
    drawing.circle(256, 300, 150, skin)
    drawing.polygon([(256, 35), (146, 205), (366, 205)], red)
    drawing.polygon([(206, 112), (306, 112), (326, 142), (256, 133), (186, 142)], (243, 240, 247))
    drawing.arc(256, 450, (265, 255), 241, 299, 34, white)
    drawing.circle(256, 40, 26, (72, 210, 255))
    for x in (200, 312):
        drawing.circle(x, 290, 19, dark)
        drawing.circle(x + 6, 284, 6, white)
        drawing.circle(168 if x < 256 else 344, 336, 22, cheek)
    drawing.arc(256, 340, (66, 48), 20, 160, 14, dark)
    return drawing.large()


def letters():
    drawing = Drawing(numpy.full((DRAWN, DRAWN, 3), (236, 242, 245), numpy.uint8))
    ink, blue, orange = (54, 38, 28), (190, 110, 40), (40, 130, 240)
    drawing.circle(256, 256, 236, blue, 10)
    for radius in range(150, 220, 8):
        drawing.circle(256, 256, radius, orange, 1.5)
    for degrees in range(0, 360, 6):
        x, y = numpy.cos(numpy.radians(degrees)), numpy.sin(numpy.radians(degrees))
        inner = 205 if degrees % 30 else 190
        drawing.line((256 + inner * x, 256 + inner * y), (256 + 226 * x, 256 + 226 * y), 3, ink)
    drawing.polygon([(130, 165), (382, 165), (420, 256), (382, 347), (130, 347), (92, 256)], (250, 250, 250))
    drawing.text("Ro", 140, 265, 80, 12, ink)
    drawing.text("&", 305, 265, 75, 8, blue)
    drawing.text("turns with the hours", 125, 305, 12, 1.6, ink)
    drawing.text("0123456789 ABCDEFG", 125, 330, 10, 1.2, blue)
    return drawing.large()


def portrait():
    rng = numpy.random.default_rng(2)
    canvas = numpy.broadcast_to(numpy.array([120.0, 95, 70]), (DRAWN, DRAWN, 3)) - 0.1 * distance(400, 80)
    shoulders, hair = (512, 190, 150, (60, 50, 90)), (215, 145, 1.5, (35, 40, 55))
    skin, light = (240, 115, 4, (140, 170, 215)), (215, 60, 25, (175, 205, 240))
    for y, radius, softness, colour in (shoulders, hair, skin, light):
        inside = 1 / (1 + numpy.exp((distance(256, y) - radius).clip(-300, 300) / softness))
        canvas = canvas + (numpy.array(colour) - canvas) * inside
    return eight_bits(reduce(canvas, LARGE) * (1 + 0.08 * fractal(rng, 1)) + 8 * fractal(rng, 1.2))


def photograph(file, side):
    """The middle of a photograph of the scikit-image wheel."""
    picture = cv2.imread(str(Path(skimage.__file__).parent / "data" / file))
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def turned(large, degrees):
    """The luma of an icon that is turned while it is large."""
    luma = large @ numpy.array([0.114, 0.587, 0.299])
    cosine, sine = numpy.cos(numpy.radians(degrees)), numpy.sin(numpy.radians(degrees))
    matrix = numpy.array([[cosine, -sine], [sine, cosine]])
    centre = (numpy.array(luma.shape) - 1) / 2
    return reduce(ndimage.affine_transform(luma, matrix, centre - matrix @ centre, order=5, mode="mirror"), ICON)


def write_input(icon, file):
    settings = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_QUALITY]
    jpegs = [cv2.imencode(".jpg", icon, [*settings, quality])[1] for quality in range(50, 101)]
    min(jpegs, key=lambda jpeg: abs(jpeg.size - INPUT_BYTES)).tofile(file)


folder = Path(sys.argv[1])
pictures = {
    "leaves": leaves,
    "face": face,
    "letters": letters,
    "portrait": portrait,
    "retina": lambda: photograph("retina.jpg", 3 * ICON),
    "hubble": lambda: photograph("hubble_deep_field.jpg", 2 * ICON),
}
for name, make in pictures.items():
    large = make()
    icon = reduce(large, ICON)
    cv2.imwrite(str(folder / f"{name}.png"), icon)
    numpy.save(folder / f"{name}.npy", numpy.stack([turned(large, 30), turned(large, 60)]).clip(0, 255))
    if not (folder / "input.jpg").exists():
        write_input(icon, folder / "input.jpg")
    print(name, flush=True)
