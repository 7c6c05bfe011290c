// What the parts of the core share and nobody else sees.
#ifndef SINEW_WIRE_INTERNAL_H
#define SINEW_WIRE_INTERNAL_H

#include "sinew_wire.h"

#ifdef __AVR__
#include <avr/pgmspace.h>
#define SW_TABLE PROGMEM // constants stay in flash
#define SW_READ16(pointer) pgm_read_word(pointer)
#else
#define SW_TABLE
#define SW_READ16(pointer) (*(pointer))
#endif

static inline uint16_t sw_get16(const uint8_t *p) { return (uint16_t)(p[0] | (uint16_t)p[1] << 8); }
static inline uint32_t sw_get32(const uint8_t *p) { return sw_get16(p) | (uint32_t)sw_get16(p + 2) << 16; }
static inline void sw_put16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static inline void sw_put32(uint8_t *p, uint32_t v) { sw_put16(p, (uint16_t)v), sw_put16(p + 2, (uint16_t)(v >> 16)); }

/// Counts up to 65535 and stays there.
void sw_count(sw_controller *c, uint8_t counter);
static inline bool sw_has(const sw_controller *c, uint8_t flag) { return c->flags & flag; }
static inline void sw_flag(sw_controller *c, uint8_t flag, bool on) { c->flags = on ? c->flags | flag : c->flags & ~flag; }

static inline bool sw_is_energised(const sw_controller *c) {
  return c->state == SW_STATE_ACTIVE || c->state == SW_STATE_HOLD;
}

// Settings.
#define SW_NO_PLACE 0xFFFFu
static inline uint16_t sw_global(const sw_controller *c, uint8_t place) { return c->settings[place]; }
/// The settings of one channel, by SW_CHANNEL_….
static inline const uint16_t *sw_of_channel(const sw_controller *c, uint8_t channel) {
  return c->settings + SW_GLOBAL_SETTINGS + channel * SW_CHANNEL_SETTINGS;
}
uint16_t sw_place_of_key(const sw_controller *c, uint16_t key);
uint16_t sw_key_of_place(uint16_t place);
bool sw_value_is_allowed(uint16_t place, uint16_t value);
void sw_set_defaults(sw_controller *c);
/// The key of the first setting that keeps the arm from being armed, or SW_NO_PLACE.
uint16_t sw_unusable_setting(const sw_controller *c);
uint16_t sw_used_channels(const sw_controller *c);
void sw_load(sw_controller *c, sw_loader load, void *context);
void sw_begin_storing(sw_controller *c);

// Limiter.
void sw_prepare_channels(sw_controller *c);
void sw_brake_channels(sw_controller *c);
void sw_move_channels(sw_controller *c);

// Messages.
uint8_t sw_handle(sw_controller *c, uint32_t now_us);
void sw_enter(sw_controller *c, uint8_t state, uint8_t cause);
void sw_guard(sw_controller *c, uint32_t now_us);
uint8_t sw_state_frame(sw_controller *c, uint8_t sequence, uint16_t more_flags, uint32_t now_us);
uint8_t sw_result(sw_controller *c, uint8_t type, uint8_t sequence, uint8_t code, uint16_t detail);

#endif
