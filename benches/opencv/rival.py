"""The OpenCV side of bench.py: the twelve frames of a picture, as one makes them with cv2.

    python rival.py INPUT.jpg

Reads one command a line and answers each with a line, so that neither starting
Python nor importing cv2 is measured:

    pipeline THREADS TIMES [pool]    JPEG in memory to twelve JPEGs of quality 95 in memory; nanoseconds
    turn TIMES                       only the twelve turned pictures, on one thread, each dropped
                                     before the next, as in the pipeline; nanoseconds
    frames DIR [KERNEL] [QUALITY]    writes DIR/0.jpg to DIR/11.jpg of the input; "ok"
    frames-of FILE DIR KERNEL QUALITY
                                     the same of another picture
    quit

KERNEL is bilinear, cubic or lanczos. QUALITY is that of the JPEGs, or `lossless` for
PNGs. What is timed is what scripts on the web
do: they turn about (w/2, h/2) and leave the corners black. What is written, to
be judged as a picture, is turned about the true centre, ((w-1)/2, (h-1)/2), and
its border is reflected, so that OpenCV is not punished for the half pixel by
which those scripts miss.

More than one thread is used in either of two ways: OpenCV's own threads within
each call, or, with `pool`, Python threads that share out the frames (cv2 lets go
of the interpreter's lock) while each call keeps to its thread.
"""

import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path
from time import perf_counter_ns

import cv2
import numpy

FRAMES = 12
KERNELS = {"bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}

jpeg = numpy.fromfile(sys.argv[1], numpy.uint8)
pools = {}


def decode():
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


def turn(picture, frame):
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 360 - 30 * frame, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height))


def turn_well(picture, frame, kernel):
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 360 - 30 * frame, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height), flags=KERNELS[kernel], borderMode=cv2.BORDER_REFLECT_101)


def encode(picture, quality=95):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def nanoseconds(times, work):
    start = perf_counter_ns()
    for _ in range(int(times)):
        work()
    return perf_counter_ns() - start


def timed_pipeline(threads, times, way="own"):
    def in_turn():
        picture = decode()
        return [encode(turn(picture, frame)) for frame in range(FRAMES)]

    def shared_out():
        picture = decode()
        return pools[threads].map(lambda frame: encode(turn(picture, frame)), range(FRAMES))

    if way == "pool":
        cv2.setNumThreads(1)
        if threads not in pools:
            pools[threads] = ThreadPool(int(threads), cv2.setNumThreads, (1,))
        return nanoseconds(times, shared_out)
    cv2.setNumThreads(int(threads))
    return nanoseconds(times, in_turn)


def timed_turn(times):
    def turn_all():
        for frame in range(FRAMES):
            turn(picture, frame)

    cv2.setNumThreads(1)
    picture = decode()
    return nanoseconds(times, turn_all)


def write_frames(picture, folder, kernel, quality):
    for frame in range(FRAMES):
        if quality == "lossless":
            cv2.imwrite(str(Path(folder, f"{frame}.png")), turn_well(picture, frame, kernel))
            continue
        encode(turn_well(picture, frame, kernel), int(quality)).tofile(Path(folder, f"{frame}.jpg"))
    return "ok"


COMMANDS = {
    "pipeline": timed_pipeline,
    "turn": timed_turn,
    "frames": lambda folder, kernel="bilinear", quality=95: write_frames(decode(), folder, kernel, quality),
    "frames-of": lambda file, *rest: write_frames(cv2.imread(file, cv2.IMREAD_COLOR), *rest),
}

for line in sys.stdin:
    command, *arguments = line.split()
    if command == "quit":
        break
    print(COMMANDS[command](*arguments), flush=True)
