#!/usr/bin/env python3
"""How fast and how well rotate-icon renders its frames, beside OpenCV.

    python3 benches/opencv/bench.py [--rounds 31] [--json FILE] [--ours PATH]

Work: one 400×400 JPEG (4:2:0, about 52 kB) becomes twelve JPEGs of quality 95,
all in memory. The rivals are OpenCV 4 and 5 as PyPI has them, each in a virtual
environment under ~/.cache/rotate-icon that the first run makes. Every contender
is a process that lives throughout (crates/cli/examples/frames.rs, and rival.py twice) and
takes its own time, so nobody's start is measured. Each round runs everyone a few
times, in an order drawn anew, and the ratio is taken within the round, so it
holds where the machine's speed drifts. The rival of a ratio is whichever OpenCV
had the lower median; with two threads each OpenCV is also given the better of
two ways to use them.

Before anything is timed, all contenders' frames must show the same picture. Then
judge.py says how near the frames of several pictures (pictures.py) are to the
truth, and what they weigh when they are as near as the other's.

Without --ours, cargo builds crates/cli/examples/frames.rs. --json writes all that was measured.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rotate-icon"
NUMPY = "numpy==2.4.6"
OPENCV = {"4.14.0.94": [NUMPY, "scikit-image==0.26.0"], "5.0.0.93": [NUMPY]}
FOUR, FIVE = (f"OpenCV {version.rsplit('.', 1)[0]}" for version in OPENCV)
OURS = "rotate-icon"

KERNELS = {
    FOUR: ["bilinear", "cubic", "lanczos"],
    FIVE: ["bilinear", "cubic", "lanczos"],
    OURS: ["nearest", "bilinear", "sharp", "cubic", "lanczos", "spline"],
}
DEFAULT_KERNEL = "sharp"
QUALITY = 95
LOSSLESS = "lossless"

TIMES = 5
ONE_THREAD, TWO_THREADS, POOL = f"pipeline 1 {TIMES}", f"pipeline 2 {TIMES}", f"pipeline 2 {TIMES} pool"
TURN, TURN_NEEDED = f"turn {TIMES}", f"turn-needed {TIMES}"
# A name, what we are asked to do, and the ways in which a rival does it.
WORKS = [
    ("JPEG to twelve JPEGs, one thread", ONE_THREAD, [ONE_THREAD]),
    ("JPEG to twelve JPEGs, two threads", TWO_THREADS, [TWO_THREADS, POOL]),
    ("twelve turned pictures, one thread", TURN, [TURN]),
    ("only those that need interpolation, beside the rival's twelve", TURN_NEEDED, [TURN]),
]

# The kernels agree to more than 30 dB here; a turn by a degree too much has less than 20.
LEAST_AGREEMENT_DB = 25


class Python:
    """A Python that has one version of OpenCV, installed on first use."""

    def __init__(self, version):
        folder = CACHE / f"opencv-{version}"
        requirements = [f"opencv-python-headless=={version}", *OPENCV[version]]
        packages, python, complete = folder / "packages", folder / "bin" / "python", folder / "installed.json"
        if not complete.exists() or json.loads(complete.read_text()) != requirements:
            print(f"Installing {', '.join(requirements)} in {folder} …", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            if subprocess.run([sys.executable, "-m", "venv", folder], stdout=subprocess.DEVNULL).returncode == 0:
                install = [python, "-m", "pip", "install"]
            else:
                shutil.rmtree(folder, ignore_errors=True)
                install = [sys.executable, "-m", "pip", "install", "--target", packages]
            subprocess.run([*install, "--quiet", "--disable-pip-version-check", *requirements], check=True)
            complete.write_text(json.dumps(requirements))
        self.program = python if python.exists() else sys.executable
        self.environment = {**os.environ, "PYTHONPATH": str(packages)}

    def command(self, script, *arguments):
        return {"args": [self.program, HERE / script, *arguments], "env": self.environment}


class Server:
    """A process that answers each line with a line."""

    def __init__(self, args, env=None):
        self.process = subprocess.Popen(args, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *command):
        line = " ".join(map(str, command))
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise SystemExit(f"{self.process.args[0]} did not answer: {line}")
        return answer

    def quit(self):
        self.process.communicate("quit\n")


def build_ours():
    command = ["cargo", "build", "--release", "--package", "rotate-icon-cli", "--example", "frames", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=HERE.parent.parent, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = map(json.loads, output.splitlines())
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "frames")


def check_agreement(servers, judge, folder):
    folders = {name: folder / f"input-{number}" for number, name in enumerate(servers)}
    for name, server in servers.items():
        folders[name].mkdir()
        server.ask("frames", folders[name])
    for name in (FOUR, FIVE):
        agreement = float(judge.ask("agree", folders[OURS], folders[name]))
        if agreement < LEAST_AGREEMENT_DB:
            raise SystemExit(f"The frames of {OURS} and {name} differ: only {agreement:.1f} dB between some.")


def measure_speed(servers, rounds):
    """Milliseconds a time: {work: {(contender, way): [one of each round]}}."""
    jobs = [
        (work, name, way)
        for work, our_way, ways in WORKS
        for name in servers
        for way in ([our_way] if name == OURS else ways)
    ]
    measured = {work: {} for work, _, _ in WORKS}
    for round_number in range(-1, rounds):
        for work in measured:
            contenders = [job for job in jobs if job[0] == work]
            for _, name, way in random.sample(contenders, len(contenders)):
                milliseconds = int(servers[name].ask(way)) / 1e6 / TIMES
                if round_number >= 0:  # The first round only warms up.
                    measured[work].setdefault((name, way), []).append(milliseconds)
    return measured


def speed_row(work, measured):
    median = {contender: statistics.median(times) for contender, times in measured.items()}
    fastest = {name: min((c for c in median if c[0] == name), key=median.get) for name in (OURS, FOUR, FIVE)}
    rival = min(fastest[FOUR], fastest[FIVE], key=median.get)
    ratios = [theirs / ours for theirs, ours in zip(measured[rival], measured[fastest[OURS]])]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    times = " | ".join(f"{median[contender]:.2f}" for contender in fastest.values())
    return f"| {work} | {times} | **{middle:.2f}** | {low:.2f}–{high:.2f} |"


class Frames:
    """The frames of the pictures, as a contender makes them, and what the judge says of them."""

    def __init__(self, servers, judge, names, folder):
        self.servers, self.judge, self.names, self.folder = servers, judge, names, folder
        self.frames = folder / "frames"
        self.frames.mkdir()

    def score(self, contender, kernel, quality):
        """Mean PSNR and SSIM, the bytes of all that was compared, and PSNR by picture."""
        psnr, ssim, size = {}, [], 0
        for name in self.names:
            self.servers[contender].ask("frames-of", self.folder / f"{name}.png", self.frames, kernel, quality)
            file_type = "png" if quality == LOSSLESS else "jpg"
            answer = self.judge.ask("score", name, self.frames, file_type)
            at_30, at_60, *similar, length = map(float, answer.split())
            psnr[name] = (at_30 + at_60) / 2
            ssim += similar
            size += int(length)
        return {"psnr": statistics.mean(psnr.values()), "ssim": statistics.mean(ssim), "bytes": size, "pictures": psnr}

    def as_near_as(self, contender, kernel, psnr):
        """The lowest quality at which frames are at least that near to the truth, and their score; or None."""
        low, high, found = 1, 100, None
        while low <= high:
            quality = (low + high) // 2
            score = self.score(contender, kernel, quality)
            if score["psnr"] >= psnr:
                high, found = quality - 1, (quality, score)
            else:
                low = quality + 1
        return found


def equal_nearness(frames, contender, kernel, other, target):
    """A sentence that says what a contender's frames weigh when they are as near to the truth as another's."""
    goal = f"the {target['psnr']:.2f} dB of {other}"
    found = frames.as_near_as(contender, kernel, target["psnr"])
    if found is None:
        best = frames.score(contender, kernel, 100)["psnr"]
        return f"{contender}, {kernel}, never reaches {goal}: at quality 100 it has {best:.2f} dB."
    quality, score = found
    share = score["bytes"] / target["bytes"]
    return f"{contender}, {kernel}, reaches {goal} with quality {quality} and {share:.2f} of the bytes."


def kilobytes(score):
    return f"{score['bytes'] / 1000:.0f} kB"


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    return names[0] if names else "an unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--ours", metavar="PATH", help="the built crates/cli/examples/frames.rs")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("quartiles need at least two rounds")

    ours = options.ours or build_ours()
    four, five = map(Python, OPENCV)
    with tempfile.TemporaryDirectory(prefix="rotate-icon-bench-") as name:
        folder = Path(name)
        print("Making the pictures and their truth …", file=sys.stderr)
        made = subprocess.run(**four.command("pictures.py", folder), check=True, stdout=subprocess.PIPE, text=True)
        names = made.stdout.split()
        source = folder / "input.jpg"
        judge = Server(**four.command("judge.py", folder))
        servers = {
            OURS: Server([ours, source]),
            FOUR: Server(**four.command("rival.py", source)),
            FIVE: Server(**five.command("rival.py", source)),
        }
        check_agreement(servers, judge, folder)

        print(f"{options.rounds} rounds of everyone {TIMES} times …", file=sys.stderr)
        measured = measure_speed(servers, options.rounds)

        print("Judging the frames …", file=sys.stderr)
        frames = Frames(servers, judge, names, folder)
        scores = {
            (contender, kernel): frames.score(contender, kernel, QUALITY)
            for contender, kernels in KERNELS.items()
            for kernel in kernels
        }
        unencoded = {
            (contender, kernel): frames.score(contender, kernel, LOSSLESS)["psnr"] for contender, kernel in scores
        }
        rival = max((FOUR, FIVE), key=lambda name: scores[name, "bilinear"]["psnr"])
        default, bilinear = scores[OURS, DEFAULT_KERNEL], scores[rival, "bilinear"]
        sentences = [
            f"At quality {QUALITY} the frames that were compared have {kilobytes(default)} ({OURS}, {DEFAULT_KERNEL}) "
            f"and {kilobytes(bilinear)} ({rival}, bilinear).",
            equal_nearness(frames, OURS, DEFAULT_KERNEL, f"{rival}, bilinear, at quality {QUALITY}", bilinear),
            equal_nearness(frames, rival, "bilinear", f"{OURS}, {DEFAULT_KERNEL}, at quality {QUALITY}", default),
        ]
        kilobytes_in = source.stat().st_size / 1000
        for server in (judge, *servers.values()):
            server.quit()

    print(f"\n{options.rounds} rounds, {processor()}, an icon of {kilobytes_in:.0f} kB; medians in ms:\n")
    print(f"| work | {OURS} | {FOUR} | {FIVE} | times as fast as the faster OpenCV | quartiles |")
    print("|---|---|---|---|---|---|")
    print("\n".join(speed_row(work, times) for work, times in measured.items()))
    print(f"\nNearness to the truth, frames of quality {QUALITY} at 30° and 60° (PSNR in dB):\n")
    print("Before: of the turned pixels, before they are encoded.\n")
    print(f"| frames | before | PSNR | SSIM | size | {' | '.join(names)} |\n|---|---|---|---|---|{'---|' * len(names)}")
    for (contender, kernel), score in scores.items():
        by_picture = " | ".join(f"{psnr:.2f}" for psnr in score["pictures"].values())
        before = unencoded[contender, kernel]
        means = f"{before:.2f} | {score['psnr']:.2f} | {score['ssim']:.4f} | {kilobytes(score)}"
        print(f"| {contender}, {kernel} | {means} | {by_picture} |")
    print("\n" + "\n".join(sentences))

    if options.json:
        speed = [
            {"work": work, "contender": name, "way": way, "ms": times}
            for work, contenders in measured.items()
            for (name, way), times in contenders.items()
        ]
        quality = [{"contender": name, "kernel": kernel, "unencoded": unencoded[name, kernel], **score}
            for (name, kernel), score in scores.items()]
        everything = {"processor": processor(), "speed": speed, "quality": quality, "sentences": sentences}
        options.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
