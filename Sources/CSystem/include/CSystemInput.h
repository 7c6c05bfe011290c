// What input devices need beyond libevdev: rumble, whose requests Swift cannot spell. Included by CSystem.h.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Stores a rumble of `milliseconds` in an input device, or changes the stored one when `*effect` is not -1; `strong` and
/// `weak` are the two motors, 0...65535. Returns 0 or an errno value (ENOTTY, EINVAL: no rumble).
int sinew_rumble_store(
    int descriptor, uint16_t strong, uint16_t weak, uint16_t milliseconds, int16_t *_Nonnull effect);
/// Starts or stops a stored rumble. Returns 0 or an errno value.
int sinew_rumble_play(int descriptor, int16_t effect, bool start);
/// Removes a stored rumble. Returns 0 or an errno value.
int sinew_rumble_remove(int descriptor, int16_t effect);
