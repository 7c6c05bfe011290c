// The settings, and the two slots in which they are stored: header, one pair (key, value) for each setting, CRC. A slot
// that was not written to its end fails its CRC, and the other one holds what was stored before.
#include "internal.h"

enum { HEADER = 6 };

static const uint16_t global_minimums[] SW_TABLE = SW_GLOBAL_MINIMUMS;
static const uint16_t global_maximums[] SW_TABLE = SW_GLOBAL_MAXIMUMS;
static const uint16_t global_defaults[] SW_TABLE = SW_GLOBAL_DEFAULTS;
static const uint16_t channel_maximums[] SW_TABLE = SW_CHANNEL_MAXIMUMS;

static uint16_t setting_count(const sw_controller *c) {
  return SW_GLOBAL_SETTINGS + c->identity.channels * SW_CHANNEL_SETTINGS;
}

uint16_t sw_place_of_key(const sw_controller *c, uint16_t key) {
  if (key < SW_GLOBAL_SETTINGS) return key;
  uint16_t channel = (uint16_t)(key - 0x100) >> 4;
  uint8_t place = key & 0xF;
  if (key < 0x100 || channel >= c->identity.channels || place >= SW_CHANNEL_SETTINGS) return SW_NO_PLACE;
  return SW_GLOBAL_SETTINGS + channel * SW_CHANNEL_SETTINGS + place;
}

uint16_t sw_key_of_place(uint16_t place) {
  if (place < SW_GLOBAL_SETTINGS) return place;
  place -= SW_GLOBAL_SETTINGS;
  return 0x100 + (place / SW_CHANNEL_SETTINGS << 4 | place % SW_CHANNEL_SETTINGS);
}

bool sw_value_is_allowed(uint16_t place, uint16_t value) {
  if (place < SW_GLOBAL_SETTINGS) {
    return value >= SW_READ16(&global_minimums[place]) && value <= SW_READ16(&global_maximums[place]);
  }
  uint8_t kind = (place - SW_GLOBAL_SETTINGS) % SW_CHANNEL_SETTINGS;
  if (value == 0) return true; // not configured
  bool is_pulse = kind == SW_CHANNEL_PULSE_MIN || kind == SW_CHANNEL_PULSE_MAX || kind == SW_CHANNEL_START ||
                  kind == SW_CHANNEL_SAFE;
  uint16_t lowest = is_pulse ? 1600 : kind == SW_CHANNEL_ACCELERATION ? 4 : 1;
  return value >= lowest && value <= SW_READ16(&channel_maximums[kind]);
}

void sw_set_defaults(sw_controller *c) {
  // The channels' defaults are all 0.
  for (uint16_t i = 0; i < SW_SETTINGS; i++) {
    c->settings[i] = i < SW_GLOBAL_SETTINGS ? SW_READ16(&global_defaults[i]) : 0;
  }
}

uint16_t sw_used_channels(const sw_controller *c) {
  uint16_t used = 0, bit = 1;
  for (uint8_t i = 0; i < c->identity.channels; i++, bit <<= 1) {
    if (sw_of_channel(c, i)[SW_CHANNEL_KIND]) used |= bit;
  }
  return used;
}

uint16_t sw_unusable_setting(const sw_controller *c) {
  if (sw_global(c, SW_GLOBAL_OFF_MS) < sw_global(c, SW_GLOBAL_TTL_MAX_MS)) return SW_GLOBAL_OFF_MS;
  if (sw_used_channels(c) == 0) return 0x100 + SW_CHANNEL_KIND;
  uint16_t key = 0x100;
  for (uint8_t i = 0; i < c->identity.channels; i++, key += 0x10) {
    const uint16_t *s = sw_of_channel(c, i);
    if (!s[SW_CHANNEL_KIND]) continue;
    uint16_t lowest = s[SW_CHANNEL_PULSE_MIN], highest = s[SW_CHANNEL_PULSE_MAX];
    if (lowest == 0) return key + SW_CHANNEL_PULSE_MIN;
    if (highest <= lowest) return key + SW_CHANNEL_PULSE_MAX;
    if (s[SW_CHANNEL_RATE] == 0) return key + SW_CHANNEL_RATE;
    if (s[SW_CHANNEL_ACCELERATION] == 0) return key + SW_CHANNEL_ACCELERATION;
    if (s[SW_CHANNEL_START] < lowest || s[SW_CHANNEL_START] > highest) return key + SW_CHANNEL_START;
    if (s[SW_CHANNEL_SAFE] != 0 && (s[SW_CHANNEL_SAFE] < lowest || s[SW_CHANNEL_SAFE] > highest)) return key + SW_CHANNEL_SAFE;
  }
  return SW_NO_PLACE;
}

static uint16_t load16(sw_loader load, void *context, uint16_t address) {
  uint16_t low = load(context, address);
  return low | (uint16_t)load(context, address + 1) << 8;
}

/// How many pairs a slot holds, or SW_NO_PLACE when it is not whole.
static uint16_t pairs_in_slot(sw_loader load, void *context, uint16_t start) {
  uint16_t count = load16(load, context, start + 4);
  if (load16(load, context, start) != SW_SLOT_MAGIC || count > (SW_SLOT_BYTES - HEADER - 2) / 4) return SW_NO_PLACE;
  uint16_t crc = 0xFFFF, end = start + HEADER + 4 * count;
  for (uint16_t i = start; i < end; i++) crc = sw_crc(crc, load(context, i));
  return crc == load16(load, context, end) ? count : SW_NO_PLACE;
}

void sw_load(sw_controller *c, sw_loader load, void *context) {
  sw_set_defaults(c);
  c->slot = 1; // the first store goes into slot 0
  uint16_t count = SW_NO_PLACE;
  for (uint8_t slot = 0; slot < 2; slot++) {
    uint16_t pairs = pairs_in_slot(load, context, slot * SW_SLOT_BYTES);
    uint16_t generation = load16(load, context, slot * SW_SLOT_BYTES + 2);
    if (pairs == SW_NO_PLACE || (count != SW_NO_PLACE && (int16_t)(generation - c->generation) <= 0)) continue;
    count = pairs;
    c->slot = slot;
    c->generation = generation;
  }
  if (count == SW_NO_PLACE) return;
  sw_flag(c, SW_STATE_FLAG_STORED, true);
  for (uint16_t i = 0; i < count; i++) {
    uint16_t at = c->slot * SW_SLOT_BYTES + HEADER + 4 * i;
    uint16_t place = sw_place_of_key(c, load16(load, context, at)), value = load16(load, context, at + 2);
    // Another firmware may have stored keys and values that this one does not have.
    if (place != SW_NO_PLACE && sw_value_is_allowed(place, value)) c->settings[place] = value;
  }
}

void sw_begin_storing(sw_controller *c) {
  sw_flag(c, SW_STATE_FLAG_STORING, true);
  c->store_at = 0;
  c->store_crc = 0xFFFF;
}

static uint8_t half(uint16_t value, uint8_t high) { return (uint8_t)(high ? value >> 8 : value); }

bool sw_store_next(const sw_controller *c, uint16_t *address, uint8_t *byte) {
  if (!sw_has(c, SW_STATE_FLAG_STORING)) return false;
  uint16_t at = c->store_at, pairs = setting_count(c);
  *address = (c->slot ? 0 : SW_SLOT_BYTES) + at;
  if (at < 2) {
    *byte = half(SW_SLOT_MAGIC, at & 1);
  } else if (at < 4) {
    *byte = half(c->generation + 1, at & 1);
  } else if (at < HEADER) {
    *byte = half(pairs, at & 1);
  } else if (at < HEADER + 4 * pairs) {
    uint16_t place = (at - HEADER) / 4;
    uint8_t part = (at - HEADER) & 3;
    *byte = half(part < 2 ? sw_key_of_place(place) : c->settings[place], part & 1);
  } else {
    *byte = half(c->store_crc, at & 1);
  }
  return true;
}

void sw_stored(sw_controller *c, bool ok) {
  uint16_t address, end = HEADER + 4 * setting_count(c);
  uint8_t byte;
  if (!sw_store_next(c, &address, &byte)) return;
  if (ok && c->store_at < end) c->store_crc = sw_crc(c->store_crc, byte);
  c->store_at++;
  if (ok && c->store_at < end + 2) return;
  sw_flag(c, SW_STATE_FLAG_STORING, false);
  c->result_is_due = true;
  c->store_code = ok ? SW_CODE_OK : SW_CODE_STORAGE;
  if (!ok) return;
  c->slot = !c->slot;
  c->generation++;
  sw_flag(c, SW_STATE_FLAG_STORED, true);
  sw_flag(c, SW_STATE_FLAG_UNSAVED, false);
}
