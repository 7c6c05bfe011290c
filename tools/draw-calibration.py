#!/usr/bin/env python3
"""Draws the pictures of calibration/README.md into calibration/pictures.

    python3 tools/draw-calibration.py            # writes them; needs nothing but Python
    python3 tools/draw-calibration.py --check    # fails unless they are what would be written

The SO-101's side view is worked out from the joint frames of the shipped model, not drawn by eye.
"""
import math
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "calibration" / "pictures"
INK, GREY, PALE, RANGE, ZERO, WRONG = "#1f2933", "#7b8794", "#e4e7eb", "#2f7ed8", "#d64545", "#f0b429"


class Picture:
    """An SVG in the making: y grows downwards, angles in degrees clockwise from the right."""

    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="14" fill="{INK}">',
            f"<title>{title}</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>',
            '<defs><marker id="tip" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker></defs>',
        ]

    def line(self, x1, y1, x2, y2, colour=INK, width=2, more=""):
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}" stroke-linecap="round" {more}/>')

    def circle(self, x, y, radius, colour=INK, fill="none", width=2):
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" stroke="{colour}" fill="{fill}" '
            f'stroke-width="{width}"/>')

    def arc(self, x, y, radius, start, end, colour=INK, width=2, arrow=False):
        large = 1 if abs(end - start) > 180 else 0
        sweep = 1 if end > start else 0
        x1, y1 = x + radius * cosine(start), y + radius * sine(start)
        x2, y2 = x + radius * cosine(end), y + radius * sine(end)
        tip = ' marker-end="url(#tip)"' if arrow else ""
        self.parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}A{radius} {radius} 0 {large} {sweep} {x2:.1f} {y2:.1f}" fill="none" '
            f'stroke="{colour}" stroke-width="{width}"{tip}/>')

    def rectangle(self, x, y, width, height, fill, more=""):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" {more}/>')

    def text(self, x, y, words, anchor="middle", size=14, colour=INK, more=""):
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" {more}>{words}</text>')

    def finished(self):
        return "\n".join(self.parts + ["</svg>"]) + "\n"


def sine(degrees):
    return math.sin(math.radians(degrees))


def cosine(degrees):
    return math.cos(math.radians(degrees))


def dial(picture, x, y, radius, ticks, labels):
    """An encoder's turn, its seam (0 after 4095) at the top, ticks clockwise."""
    picture.circle(x, y, radius, GREY, width=1.5)
    for tick in range(0, 4096, 256):
        angle = -90 + tick / 4096 * 360
        inner = radius - (10 if tick % 1024 == 0 else 5)
        picture.line(x + inner * cosine(angle), y + inner * sine(angle), x + radius * cosine(angle),
                     y + radius * sine(angle), GREY, 1)
    for tick, label in zip(ticks, labels):
        angle = -90 + tick / 4096 * 360
        picture.text(x + (radius + 22) * cosine(angle), y + (radius + 22) * sine(angle) + 5, label, size=12, colour=GREY)


def zero_sign_range():
    picture = Picture(760, 346, "Zero, sign and range of a joint")
    x, y, radius = 200, 170, 110
    dial(picture, x, y, radius, [0, 1024, 2048, 3072], ["0", "1024", "2048", "3072"])
    low, high, zero = 800, 3296, 2048
    at = lambda tick: -90 + tick / 4096 * 360
    picture.arc(x, y, radius - 22, at(low), at(high), RANGE, 14)
    for tick in (low, high):
        picture.line(x, y, x + (radius - 12) * cosine(at(tick)), y + (radius - 12) * sine(at(tick)), RANGE, 1.5)
    picture.line(x, y, x + (radius - 12) * cosine(at(zero)), y + (radius - 12) * sine(at(zero)), ZERO, 3)
    picture.circle(x, y, 6, INK, INK)
    picture.arc(x, y, radius - 60, at(2250), at(3000), INK, 2, arrow=True)
    picture.text(x - 64, y + 52, "+", size=20)
    lines = [
        ("zero", ZERO, "the ticks where the joint's angle is 0: here 2048"),
        ("range", RANGE, "the lowest and highest ticks that it reaches: 800 to 3296"),
        ("sign", INK, "+1 when the angle grows with the ticks, -1 when it falls"),
    ]
    for index, (name, colour, words) in enumerate(lines):
        top = 92 + 44 * index
        picture.circle(372, top - 5, 7, colour, colour)
        picture.text(390, top, name, "start", 15, more='font-weight="bold"')
        picture.text(390, top + 18, words, "start", 13, GREY)
    picture.text(372, 246, "angle = sign × (ticks − zero) × 2π / 4096", "start", 16)
    picture.text(372, 270, "(divided by the gear, where there is one)", "start", 13, GREY)
    picture.text(x, 336, "the servo's encoder: 4096 ticks a turn", size=13, colour=GREY)
    return picture.finished()


def wrap():
    picture = Picture(760, 330, "A range across the end of the encoder's turn, and what the homing offset does")

    def half(x, low, high, title, note, colour):
        y, radius = 165, 92
        at = lambda tick: -90 + tick / 4096 * 360
        dial(picture, x, y, radius, [0, 2048], ["4095 | 0", "2048"])
        picture.arc(x, y, radius - 20, at(low), at(high), colour, 14)
        picture.line(x, y - radius - 6, x, y - radius + 34, ZERO, 2, 'stroke-dasharray="4 3"')
        for tick in (low, high):
            picture.text(x + (radius - 46) * cosine(at(tick)), y + (radius - 46) * sine(at(tick)) + 5, f"{tick % 4096}",
                         size=12)
        picture.text(x, 30, title, size=15, more='font-weight="bold"')
        picture.text(x, 306, note, size=13, colour=GREY)

    half(170, 3200, 5000, "raw", "min and max read: 0 and 4095", WRONG)
    half(590, 1148, 2948, "with the homing offset", "min and max: 1148 and 2948", RANGE)
    picture.line(310, 165, 450, 165, INK, 2, 'marker-end="url(#tip)"')
    picture.text(380, 150, "homing offset -2044", size=14)
    picture.text(380, 190, "the seam moves to where", size=12, colour=GREY)
    picture.text(380, 206, "the joint never comes", size=12, colour=GREY)
    return picture.finished()


# Frames of the shipped SO-101 model: joint, position in the parent's frame (m), quaternion (w x y z).
SO101 = [
    ("shoulder_pan", (0.0388353, 0, 0.0624), (0, 0, -1, 0)),
    ("shoulder_lift", (-0.0303992, -0.0182778, -0.0542), (0.5, -0.5, -0.5, -0.5)),
    ("elbow_flex", (-0.11257, -0.028, 0), (0.707107, 0, 0, 0.707107)),
    ("wrist_flex", (-0.1349, 0.0052, 0), (0.707107, 0, 0, -0.707107)),
    ("wrist_roll", (0, -0.0611, 0.0181), (0.0172091, -0.0172091, 0.706897, 0.706897)),
]
TOOL = (0.012, -0.000218, -0.098127)


def rotated(quaternion, vector):
    w, x, y, z = quaternion
    tx, ty, tz = (2 * (y * vector[2] - z * vector[1]), 2 * (z * vector[0] - x * vector[2]),
                  2 * (x * vector[1] - y * vector[0]))
    return (vector[0] + w * tx + y * tz - z * ty, vector[1] + w * ty + z * tx - x * tz,
            vector[2] + w * tz + x * ty - y * tx)


def product(a, b):
    return (a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0])


def so101_points():
    """Where the joints are with all angles 0, seen from the arm's right side: (x, z) in m."""
    place, turn, points = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), {}
    for name, offset, quaternion in SO101:
        moved = rotated(turn, offset)
        place = tuple(a + b for a, b in zip(place, moved))
        turn = product(turn, quaternion)
        points[name] = (place[0], place[2])
    moved = rotated(turn, TOOL)
    points["tool"] = (place[0] + moved[0], place[2] + moved[2])
    return points


def so101():
    picture = Picture(760, 420, "The SO-101 with every joint at 0, and the directions in which its angles grow")
    points = {name: (70 + 1000 * x, 340 - 1000 * z) for name, (x, z) in so101_points().items()}
    picture.line(20, 340, 500, 340, GREY, 1.5)
    base = points["shoulder_pan"]
    picture.rectangle(base[0] - 50, 300, 90, 40, PALE, f'stroke="{INK}" stroke-width="1.5"')
    chain = [points[name] for name in ("shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "tool")]
    picture.line(base[0] - 5, 300, *chain[0], GREY, 22)
    for (x1, y1), (x2, y2) in zip(chain, chain[1:]):
        picture.line(x1, y1, x2, y2, "#c3cad3", 20)
    for name in ("shoulder_lift", "elbow_flex", "wrist_flex"):
        x, y = points[name]
        picture.circle(x, y, 9, INK, "white")
        # About the y axis, which points away from the onlooker: clockwise.
        picture.arc(x, y, 26, -70, 40, ZERO, 2.5, arrow=True)
    picture.text(points["shoulder_lift"][0] - 22, points["shoulder_lift"][1] - 22, "shoulder_lift", "end", 13)
    picture.text(points["elbow_flex"][0] - 6, points["elbow_flex"][1] - 36, "elbow_flex", "middle", 13)
    picture.text(points["wrist_flex"][0] + 4, points["wrist_flex"][1] + 48, "wrist_flex", "middle", 13)
    picture.text(points["tool"][0] + 8, points["tool"][1] + 5, "tool", "start", 12, GREY)
    picture.text(260, 400, "from the arm's right side, all joints at 0", size=13, colour=GREY)
    # From above.
    x, y = 590, 110
    picture.circle(x, y, 24, INK, PALE)
    picture.line(x, y, x, y - 74, "#c3cad3", 16)
    picture.arc(x, y, 56, -110, -30, ZERO, 2.5, arrow=True)
    picture.text(x + 66, y - 38, "shoulder_pan", "start", 13)
    picture.text(x, y + 46, "from above: to its right", size=13, colour=GREY)
    # From behind.
    x, y = 590, 262
    picture.circle(x, y, 24, INK, PALE)
    picture.line(x - 14, y, x + 14, y, INK, 3)
    picture.arc(x, y, 44, -20, -130, ZERO, 2.5, arrow=True)
    picture.text(x + 54, y - 24, "wrist_roll", "start", 13)
    picture.text(x, y + 46, "from behind: counter-clockwise", size=13, colour=GREY)
    # The gripper.
    x, y = 546, 376
    picture.line(x, y + 8, x + 84, y + 8, "#c3cad3", 9)
    picture.line(x, y + 2, x + 78, y - 22, "#c3cad3", 9)
    picture.circle(x, y + 4, 7, INK, "white")
    picture.arc(x, y + 4, 98, 0, -24, ZERO, 2.5, arrow=True)
    picture.text(x + 112, y - 12, "gripper", "start", 13)
    return picture.finished()


def koch_pose():
    picture = Picture(420, 240, "The marked pose of the Koch's wrist: the moving finger straight above the fixed one")
    picture.rectangle(150, 96, 120, 48, PALE, f'stroke="{INK}" stroke-width="1.5" rx="6"')
    picture.line(210, 96, 210, 50, "#c3cad3", 18)
    picture.line(210, 144, 210, 184, "#c3cad3", 18)
    picture.text(232, 62, "moving finger", "start", 13)
    picture.text(232, 178, "fixed finger", "start", 13)
    picture.line(210, 30, 210, 204, ZERO, 1.5, 'stroke-dasharray="5 4"')
    picture.text(210, 226, "wrist_roll at 0, seen from in front of the gripper", size=13, colour=GREY)
    return picture.finished()


def flow():
    picture = Picture(760, 150, "The steps of a calibration")
    steps = [
        ("sweep", "turn every joint", "from stop to stop"), ("pose", "only where zero", "is a pose"),
        ("direction", "turn it the way", "its angle grows"), ("write", "EEPROM, only", "what differs"),
        ("check", "read back: the", "ticks are right"),
    ]
    for index, (name, first, second) in enumerate(steps):
        x = 16 + 148 * index
        picture.rectangle(x, 30, 128, 90, PALE, f'rx="8" stroke="{GREY}"')
        picture.text(x + 64, 58, name, size=16, more='font-weight="bold"')
        picture.text(x + 64, 84, first, size=13, colour=GREY)
        picture.text(x + 64, 102, second, size=13, colour=GREY)
        if index + 1 < len(steps):
            picture.line(x + 129, 75, x + 146, 75, INK, 2, 'marker-end="url(#tip)"')
    return picture.finished()


PICTURES = {
    "zero-sign-range.svg": zero_sign_range, "wrap.svg": wrap, "so101.svg": so101, "koch-pose.svg": koch_pose,
    "steps.svg": flow,
}


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = []
    for name, draw in PICTURES.items():
        text, path = draw(), FOLDER / name
        if sys.argv[1:] == ["--check"]:
            if not path.is_file() or path.read_text() != text:
                stale.append(name)
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        print(f"draw-calibration: not up to date: {', '.join(stale)}; run tools/draw-calibration.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
