#!/usr/bin/env python3
"""Compares a policy's episodes on an emulated arm with those in simulation.

Starts `sinew emulate` with the simulated SO-101 behind a pseudo-terminal, once with Feetech's servos and once with
DYNAMIXEL's, runs `sinew run` on it, runs the same seed in simulation, and compares the episodes one by one. Standard
library only. Exit code 0: all agree; 1: some do not, or a command failed; 2: wrong arguments.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

MAKES = {"feetech": ("feetech", "sts3215-7v4"), "dynamixel": ("dynamixel2", "xm430-w350")}


def profile_of(make, sinew, folder):
    """The SO-101, or the SO-101 with DYNAMIXEL servos in the place of its own."""
    if make == "feetech":
        return "so101"
    text = subprocess.run([sinew, "list", "arms", "--show", "so101"], check=True, capture_output=True, text=True).stdout
    for old, new in (("name: feetech,", "name: dynamixel2,"), ("every_joint: [sts3215]", "every_joint: [xm430-w350]"),
                     ("    upper: 12.6\n", "    upper: 14.8\n")):
        if old not in text:
            sys.exit(f"the profile so101 has no '{old}' any more; mend this script")
        text = text.replace(old, new)
    path = os.path.join(folder, "so101-dynamixel.yaml")
    with open(path, "w") as file:
        file.write(text)
    return path


def episodes(sinew, log):
    """The return of each episode that was not cut short, by number."""
    lines = subprocess.run(
        [sinew, "log", "cat", log, "--topic", "/events"], check=True, capture_output=True, text=True).stdout.splitlines()
    found, longest = {}, 0
    for line in lines:
        message = json.loads(line)
        message = message.get("message", message)
        if message.get("text", "").startswith("episode ") and " ended after " in message["text"]:
            found[message["first"]] = (message["second"], message["value"])
            longest = max(longest, message["second"])
    return {number: value for number, (steps, value) in found.items() if steps == longest}


def run_on_emulated_arm(make, arguments, folder):
    protocol, model = MAKES[make]
    profile = profile_of(make, arguments.sinew, folder)
    port, calibration = os.path.join(folder, make), os.path.join(folder, make + ".yaml")
    log = os.path.join(folder, make + ".mcap")
    emulator = subprocess.Popen(
        [arguments.sinew, "emulate", "--protocol", protocol, "--model", model, "--ids", "1-6", "--pty", port,
         "--physics", profile, "--write-calibration", calibration, "--return-delay-us", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        emulator.stdout.readline()
        subprocess.run(
            [arguments.sinew, "run", "--arm", profile, "--port", port, "--calibration", calibration, "--task", "reach",
             "--policy", arguments.policy, "--episodes", str(arguments.episodes), "--seed", "1", "--yes",
             "--allow-non-realtime", "--log", log],
            check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=30 + 20 * arguments.episodes)
    finally:
        emulator.send_signal(signal.SIGINT)
        emulator.wait(timeout=10)
    simulated = os.path.join(folder, make + "-simulated.mcap")
    subprocess.run(
        [arguments.sinew, "run", "--task", "reach", "--policy", arguments.policy, "--virtual", "--servo", model,
         "--episodes", str(arguments.episodes + 10), "--seed", "1", "--log", simulated],
        check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=600)
    return episodes(arguments.sinew, log), episodes(arguments.sinew, simulated)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", help="a policy for the task reach")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--make", choices=sorted(MAKES), action="append", help="only this make of servo")
    parser.add_argument("--sinew", default=".build/release/sinew")
    parser.add_argument("--tolerance", type=float, default=0.05, help="of the mean's size (default 0.05)")
    arguments = parser.parse_args()
    disagree = False
    with tempfile.TemporaryDirectory() as folder:
        for make in arguments.make or sorted(MAKES):
            began = time.monotonic()
            emulated, simulated = run_on_emulated_arm(make, arguments, folder)
            numbers = sorted(set(emulated) & set(simulated))
            if not numbers:
                sys.exit(f"{make}: no episode went its whole way")
            differences = [emulated[number] - simulated[number] for number in numbers]
            mean = statistics.mean(simulated[number] for number in numbers)
            worst = max(differences, key=abs)
            bias = statistics.mean(differences)
            agrees = abs(bias) <= arguments.tolerance * abs(mean)
            disagree |= not agrees
            print(f"{make}: {len(numbers)} episodes, mean return {mean:.3f} simulated, {mean + bias:.3f} emulated, "
                  f"largest difference {worst:+.3f}, {'agrees' if agrees else 'DISAGREES'} "
                  f"({time.monotonic() - began:.0f} s)")
    sys.exit(1 if disagree else 0)


if __name__ == "__main__":
    main()
