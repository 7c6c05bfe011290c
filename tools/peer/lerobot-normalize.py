#!/usr/bin/env python3
"""Turn raw servo positions into LeRobot's numbers with LeRobot's own code (PyPI lerobot, motors/motors_bus.py).

  lerobot-normalize.py < QUESTIONS > NUMBERS

Reads one JSON object per line,
  {"calibration": {"id": 1, "drive_mode": 0, "homing_offset": 0, "range_min": 700, "range_max": 3300},
   "mode": "degrees", "apply_drive_mode": true, "positions": [1000, 2000]}
with mode degrees, range_m100_100 or range_0_100, and prints, line by line, a JSON list of what LeRobot makes of the
positions on a servo of 4096 steps. Only the one source file is loaded: the package needs a deep-learning framework, this
file only a serial port that stays closed. Exit status 0 = all answered, 2 = the package is missing.
"""
import importlib.util
import json
import pathlib
import sys
import types


def motors_bus():
    """The module, with empty stand-ins for what it imports and does not use here."""
    spec = next(
        (path for path in map(pathlib.Path, sys.path) if (path / "lerobot/motors/motors_bus.py").is_file()), None)
    if spec is None:
        print("lerobot-normalize: no lerobot; run tools/setup --with-test-tools", file=sys.stderr)
        sys.exit(2)

    class Anything(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *arguments, **keywords: arguments[0] if arguments else None

    for name in ("serial", "deepdiff", "tqdm", "lerobot", "lerobot.utils", "lerobot.utils.decorators",
                 "lerobot.utils.utils"):
        sys.modules.setdefault(name, Anything(name))
    source = importlib.util.spec_from_file_location("motors_bus", spec / "lerobot/motors/motors_bus.py")
    module = importlib.util.module_from_spec(source)
    sys.modules["motors_bus"] = module
    source.loader.exec_module(module)
    return module


def main():
    lerobot = motors_bus()
    # The abstract bus's class name changed between releases; the method did not.
    bus_class = next(
        value for value in vars(lerobot).values() if isinstance(value, type) and "_normalize" in vars(value))
    modes = {mode.value: mode for mode in lerobot.MotorNormMode}
    for line in sys.stdin:
        question = json.loads(line)
        calibration = lerobot.MotorCalibration(**question["calibration"])
        bus = types.SimpleNamespace(
            calibration={"joint": calibration},
            motors={"joint": lerobot.Motor(calibration.id, "sts3215", modes[question["mode"]])},
            apply_drive_mode=question["apply_drive_mode"],
            model_resolution_table={"sts3215": 4096},
            _id_to_name=lambda _: "joint",
            _id_to_model=lambda _: "sts3215")
        normalize = bus_class._normalize
        print(json.dumps([normalize(bus, {calibration.id: value})[calibration.id] for value in question["positions"]]))


if __name__ == "__main__":
    main()
