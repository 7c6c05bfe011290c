#!/usr/bin/env python3
"""Compares a policy's episodes on an emulated arm with those in simulation.

Starts `sinew emulate` with the simulated SO-101 behind a port, once with Feetech's servos and once with DYNAMIXEL's,
runs `sinew run` on it, runs the same seed in simulation, and compares the returns episode by episode and the logs'
channels and schemas. Standard library only. Exit code 0: all agree; 1: some do not, or a command failed; 2: wrong
arguments.

The two differ by what a bus makes of the same physics: positions in ticks, a cycle's delay, an arm that has come to rest
at an episode's start instead of being put there. So the mean of the differences must be within --tolerance of the
simulated returns' mean size, and no single one beyond three times that. Runs are made once: none is repeated until it
fits.
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


def channels(sinew, log):
    """Topic and schema of every channel of a log."""
    text = subprocess.run([sinew, "log", "info", log, "--json"], check=True, capture_output=True, text=True).stdout
    return {(channel["topic"], channel["schema"]) for channel in json.loads(text)["channels"]}


def run_on_emulated_arm(make, arguments, folder):
    """The episodes on the emulated arm and in simulation, and the channels of both logs."""
    protocol, model = MAKES[make]
    profile = profile_of(make, arguments.sinew, folder)
    port, calibration = os.path.join(folder, make), os.path.join(folder, make + ".yaml")
    log = os.path.join(folder, make + ".mcap")
    line = ["--pty", port] if arguments.line == "pty" else ["--listen", "unix:" + port]
    emulator = subprocess.Popen(
        [arguments.sinew, "emulate", "--protocol", protocol, "--model", model, "--ids", "1-6", *line,
         "--physics", profile, "--write-calibration", calibration, "--return-delay-us", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if not emulator.stdout.readline():
            sys.exit(f"{make}: sinew emulate did not start")
        subprocess.run(
            [arguments.sinew, "run", "--unsupervised", "--arm", profile, "--port", port, "--calibration", calibration, "--task", "reach",
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
    return (episodes(arguments.sinew, log), episodes(arguments.sinew, simulated),
            channels(arguments.sinew, log), channels(arguments.sinew, simulated))


def compare(make, arguments, folder):
    """Whether one make agrees; prints a line."""
    began = time.monotonic()
    emulated, simulated, found, wanted = run_on_emulated_arm(make, arguments, folder)
    numbers = sorted(set(emulated) & set(simulated))
    if len(numbers) < (arguments.episodes + 1) // 2:
        print(f"{make}: only {len(numbers)} of {arguments.episodes} episodes went their whole way: DISAGREES")
        return False
    differences = [emulated[number] - simulated[number] for number in numbers]
    size = statistics.mean(abs(simulated[number]) for number in numbers)
    bias, worst = statistics.mean(differences), max(differences, key=abs)
    error = statistics.stdev(differences) / len(numbers) ** 0.5 if len(numbers) > 1 else float("nan")
    agrees = abs(bias) <= arguments.tolerance * size and abs(worst) <= 3 * arguments.tolerance * size
    schemas = {name for name in found if name[0] != "/bus"} == wanted and any(name[0] == "/bus" for name in found)
    mean = statistics.mean(simulated[number] for number in numbers)
    print(f"{make}: {len(numbers)} episodes, mean return {mean:.3f} simulated, {mean + bias:.3f} emulated, difference "
          f"{bias:+.3f} ± {error:.3f} (standard error), largest {worst:+.3f}, "
          f"{'agrees' if agrees else 'DISAGREES'}; schemas {'equal' if schemas else 'DIFFER'} "
          f"({time.monotonic() - began:.0f} s)", flush=True)
    return agrees and schemas


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", help="a policy for the task reach")
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--make", choices=sorted(MAKES), action="append", help="only this make of servo")
    parser.add_argument("--line", choices=("pty", "socket"), default="pty",
                        help="what lies between the two (default pty; a socket stands a busier machine)")
    parser.add_argument("--sinew", default=".build/release/sinew")
    parser.add_argument("--tolerance", type=float, default=0.1, help="of the mean's size (default 0.1)")
    arguments = parser.parse_args()
    if arguments.episodes < 1:
        parser.error("--episodes must be at least 1")
    arguments.sinew = os.path.abspath(arguments.sinew)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for make in arguments.make or sorted(MAKES):
            try:
                results.append(compare(make, arguments, folder))
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                print(f"{make}: {error}", file=sys.stderr)
                results.append(False)
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
