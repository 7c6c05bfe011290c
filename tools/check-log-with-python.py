#!/usr/bin/env python3
"""Read a log with other people's code: PyPI mcap and mcap-ros2-support.

  check-log-with-python.py LOG.mcap [--csv TABLE.csv]

Prints one JSON object: messages per topic, and how many transitions were compared. Checks that every message decodes
by its schema, that log times are the stamps plus the offset that the session's metadata states, that steps are
contiguous, and, with --csv (the output of `sinew log cat --format csv`), that every number of every transition is the
same. Exit status 0 = all as it should be, 1 = a difference (on standard error).
"""
import argparse
import collections
import csv
import json
import math
import struct
import sys

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

SCALARS = ["duration", "log_probability", "value", "reward"]
ARRAYS = {
    "observation": "obs", "action_mean": "action_mean", "action_log_std": "action_log_std",
    "raw_action": "raw_action", "action": "action", "command": "command", "proposal": "proposal",
    "position": "position", "velocity": "velocity", "effort": "effort", "reward_terms": "reward_terms",
    "final_observation": "final_obs",
}
FLAGS = ["terminated", "truncated", "success", "altered", "intervention"]


def same(number, text, single):
    """Whether a decoded number is the one in the table; an empty cell is NaN or absent."""
    if text == "":
        return math.isnan(number)
    expected = float(text)
    if single:
        expected = struct.unpack("<f", struct.pack("<f", expected))[0]
    return number == expected


def differences(message, row):
    """What a transition and its row in the table do not agree on."""
    found = []
    for name in ("step", "stamp_ns", "episode", "step_in_episode", "command_mode"):
        if int(row[name]) != getattr(message, name):
            found.append(name)
    for name in SCALARS:
        if not same(getattr(message, name), row[name], name != "duration"):
            found.append(name)
    for name, column in ARRAYS.items():
        values = list(getattr(message, name, []))
        cells = [row[key] for key in row if key.startswith(column + "[")]
        if name == "final_observation" and not values:
            if any(cells):
                found.append(name)
        elif len(values) != len(cells) or not all(same(v, c, True) for v, c in zip(values, cells)):
            found.append(name)
    for name in FLAGS:
        if (row[name] == "1") != getattr(message, name):
            found.append(name)
    source = getattr(message, "SOURCE_" + row["source"].upper(), None)
    if source is not None and source != message.source:
        found.append("source")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("--csv")
    arguments = parser.parse_args()
    rows = list(csv.DictReader(open(arguments.csv))) if arguments.csv else None
    counts = collections.Counter()
    errors = []
    with open(arguments.log, "rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()], validate_crcs=True)
        session = next((m.metadata for m in reader.iter_metadata() if m.name == "session"), {})
        offset = int(session.get("realtime_offset_ns", 0))
        attachments = {a.name: len(a.data) for a in reader.iter_attachments()}
        step = None
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            if channel.topic == "/transition":
                if message.log_time != decoded.stamp_ns + offset:
                    errors.append(f"step {decoded.step}: log time {message.log_time}, stamp {decoded.stamp_ns}")
                if step is not None and decoded.step != step + 1:
                    errors.append(f"step {decoded.step} follows {step}")
                step = decoded.step
                if rows is not None:
                    index = counts[channel.topic]
                    if index >= len(rows):
                        errors.append(f"step {decoded.step} is not in the table")
                    elif differ := differences(decoded, rows[index]):
                        errors.append(f"step {decoded.step} differs in {differ}")
            elif channel.topic == "/joint_states":
                stamp = decoded.header.stamp
                if stamp.sec * 1_000_000_000 + stamp.nanosec != message.log_time:
                    errors.append(f"joint state at {message.log_time} has another stamp")
                if len(decoded.name) != len(decoded.position):
                    errors.append(f"joint state at {message.log_time}: names and positions differ in number")
            counts[channel.topic] += 1
        statistics = reader.get_summary().statistics
        if statistics.message_count != sum(counts.values()):
            errors.append(f"statistics say {statistics.message_count} messages, {sum(counts.values())} were read")
    if rows is not None and len(rows) != counts["/transition"]:
        errors.append(f"{len(rows)} rows in the table, {counts['/transition']} transitions in the log")
    compared = 0 if rows is None else counts["/transition"]
    print(json.dumps({"counts": counts, "attachments": attachments, "compared": compared, "errors": len(errors)}))
    for error in errors[:20]:
        print(error, file=sys.stderr)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
