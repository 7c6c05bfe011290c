// What each message does, and the answers.
#include "internal.h"

#include <string.h>

#define PAYLOAD(c) ((c)->frame + 3)

static uint8_t send(sw_controller *c, uint8_t type, uint8_t sequence, uint8_t payload_count) {
  c->frame[1] = type;
  c->frame[2] = sequence;
  return sw_seal(c->frame, payload_count + 2);
}

uint8_t sw_result(sw_controller *c, uint8_t type, uint8_t sequence, uint8_t code, uint16_t detail) {
  uint8_t *p = PAYLOAD(c);
  if (code != SW_CODE_OK) sw_count(c, SW_COUNT_REFUSED);
  p[SW_RESULT_AT_REQUEST] = type;
  p[SW_RESULT_AT_CODE] = code;
  sw_put16(p + SW_RESULT_AT_DETAIL, detail);
  return send(c, SW_RESULT, sequence, SW_RESULT_FIXED);
}

uint8_t sw_state_frame(sw_controller *c, uint8_t sequence, uint16_t more_flags, uint32_t now_us) {
  uint8_t *p = PAYLOAD(c);
  sw_put32(p + SW_STATE_AT_MCU_US, now_us);
  p[SW_STATE_AT_LAST_SEQUENCE] = c->last_sequence;
  p[SW_STATE_AT_STATE] = c->state;
  p[SW_STATE_AT_CAUSE] = c->cause;
  sw_put16(p + SW_STATE_AT_FLAGS, c->flags | more_flags);
  sw_put16(p + SW_STATE_AT_VOLTAGE_MV, c->inputs.voltage_mv);
  sw_put16(p + SW_STATE_AT_CLAMPED, c->clamped);
  sw_put16(p + SW_STATE_AT_LIMITED, c->limited);
  p[SW_STATE_AT_APPLIED_COUNT] = c->identity.channels;
  uint8_t at = SW_STATE_AT_APPLIED;
  for (uint8_t i = 0; i < c->identity.channels; i++, at += 2) sw_put16(p + at, sw_pulse(c, i));
  p[at++] = c->inputs.feedback_count;
  for (uint8_t i = 0; i < c->inputs.feedback_count; i++, at += 2) sw_put16(p + at, c->inputs.feedback[i]);
  c->clamped = 0;
  c->limited = 0;
  c->state_is_due = false;
  c->state_sent_us = now_us;
  return send(c, SW_STATE, sequence, at);
}

static void begin_session(sw_controller *c, uint16_t session) {
  c->session = session;
  c->has_sequence = false;
  c->has_last = false;
  if (c->state == SW_STATE_ACTIVE || c->state == SW_STATE_HOLD) {
    sw_enter(c, SW_STATE_HOLD, SW_CAUSE_NEW_SESSION);
  } else if (c->state == SW_STATE_ARMED) {
    sw_enter(c, SW_STATE_IDLE, SW_CAUSE_NEW_SESSION);
  }
  sw_flag(c, SW_STATE_FLAG_ARMED, false);
}

static uint8_t hello(sw_controller *c, const uint8_t *request, uint8_t sequence) {
  uint16_t session = sw_get16(request + SW_HELLO_AT_SESSION);
  uint8_t result = SW_CODE_OK;
  if (request[SW_HELLO_AT_MAJOR] != SW_MAJOR || sw_get32(request + SW_HELLO_AT_SCHEMA) != SW_SCHEMA_HASH) {
    result = SW_CODE_SCHEMA_MISMATCH;
  } else if (session == 0) {
    result = SW_CODE_BAD_SESSION;
  }
  if (result != SW_CODE_OK) {
    sw_count(c, SW_COUNT_REFUSED);
    session = 0;
  } else if (session != c->session) {
    begin_session(c, session);
  }
  uint8_t *p = PAYLOAD(c);
  p[SW_HELLO_ACK_AT_MAJOR] = SW_MAJOR;
  p[SW_HELLO_ACK_AT_MINOR] = SW_MINOR;
  sw_put32(p + SW_HELLO_ACK_AT_SCHEMA, SW_SCHEMA_HASH);
  sw_put16(p + SW_HELLO_ACK_AT_SESSION, session);
  p[SW_HELLO_ACK_AT_RESULT] = result;
  p[SW_HELLO_ACK_AT_STATE] = c->state;
  sw_put16(p + SW_HELLO_ACK_AT_FIRMWARE, c->identity.firmware);
  sw_put16(p + SW_HELLO_ACK_AT_BOARD, c->identity.board);
  memcpy(p + SW_HELLO_ACK_AT_UNIQUE_ID, c->identity.unique_id, 8);
  p[SW_HELLO_ACK_AT_RESET] = c->identity.reset;
  sw_put16(p + SW_HELLO_ACK_AT_BOOT_COUNT, c->identity.boot_count);
  sw_put16(p + SW_HELLO_ACK_AT_CAPABILITIES, c->identity.capabilities);
  sw_put16(p + SW_HELLO_ACK_AT_TICK_HZ, 1000000 / SW_TICK_US);
  sw_put16(p + SW_HELLO_ACK_AT_MAXIMUM_RATE_HZ, c->identity.maximum_rate_hz);
  p[SW_HELLO_ACK_AT_CHANNELS] = c->identity.channels;
  for (uint8_t i = 0; i < c->identity.channels; i++) {
    p[SW_HELLO_ACK_AT_KINDS + i] = (uint8_t)sw_of_channel(c, i)[SW_CHANNEL_KIND];
  }
  return send(c, SW_HELLO_ACK, sequence, SW_HELLO_ACK_FIXED + c->identity.channels);
}

static uint8_t info(sw_controller *c, uint8_t sequence) {
  uint8_t *p = PAYLOAD(c);
  p[SW_INFO_AT_MAJOR] = SW_MAJOR;
  p[SW_INFO_AT_MINOR] = SW_MINOR;
  sw_put32(p + SW_INFO_AT_SCHEMA, SW_SCHEMA_HASH);
  sw_put16(p + SW_INFO_AT_FIRMWARE, c->identity.firmware);
  sw_put16(p + SW_INFO_AT_BOARD, c->identity.board);
  memcpy(p + SW_INFO_AT_UNIQUE_ID, c->identity.unique_id, 8);
  p[SW_INFO_AT_STATE] = c->state;
  p[SW_INFO_AT_CAUSE] = c->cause;
  sw_put16(p + SW_INFO_AT_FLAGS, c->flags);
  return send(c, SW_INFO, sequence, SW_INFO_FIXED);
}

/// The messages that every version understands. What is none of them gets no answer.
static uint8_t handshake(sw_controller *c, const uint8_t *body, uint8_t count) {
  const uint8_t *payload = body + 2;
  switch (body[0]) {
    case SW_HELLO:
      if (count >= SW_HELLO_FIXED) return hello(c, payload, body[1]);
      break;
    case SW_GET_INFO: return info(c, body[1]);
    case SW_ESTOP:
      if (count < SW_ESTOP_FIXED || sw_get32(payload) != SW_ESTOP_MAGIC) break;
      if (c->state != SW_STATE_ESTOP) sw_enter(c, SW_STATE_ESTOP, SW_CAUSE_ESTOP_FRAME);
      return info(c, body[1]);
    default: break;
  }
  sw_count(c, SW_COUNT_MALFORMED);
  return 0;
}

static uint8_t lowest_bit(uint16_t mask) {
  uint8_t bit = 0;
  while (!(mask & 1)) mask >>= 1, bit++;
  return bit;
}

static uint8_t bits(uint16_t mask) {
  uint8_t count = 0;
  for (; mask; mask &= mask - 1) count++;
  return count;
}

static bool is_near(uint16_t a, uint16_t b, uint16_t distance) { return (a > b ? a - b : b - a) <= distance; }

/// The allowed pulse of a channel that is nearest to a target.
static uint16_t within(const sw_controller *c, uint8_t channel, uint16_t target) {
  const uint16_t *settings = sw_of_channel(c, channel);
  if (target < settings[SW_CHANNEL_PULSE_MIN]) return settings[SW_CHANNEL_PULSE_MIN];
  return target > settings[SW_CHANNEL_PULSE_MAX] ? settings[SW_CHANNEL_PULSE_MAX] : target;
}

static void count_gap(sw_controller *c, uint8_t sequence) {
  uint8_t step = sequence - c->setpoint_sequence;
  // A step of 0 is the same frame again.
  if (c->has_sequence && step != 0) {
    while (--step) sw_count(c, SW_COUNT_SEQUENCE_GAPS);
  }
  c->has_sequence = true;
  c->setpoint_sequence = sequence;
}

static uint8_t setpoint(sw_controller *c, const uint8_t *payload, uint8_t sequence, uint32_t now_us) {
  uint16_t mask = sw_get16(payload + SW_SETPOINT_AT_MASK), used = sw_used_channels(c);
  const uint8_t *targets = payload + SW_SETPOINT_AT_TARGETS;
  count_gap(c, sequence);
  if (c->state != SW_STATE_ARMED && !sw_is_energised(c)) {
    return sw_result(c, SW_SETPOINT, sequence, SW_CODE_BAD_STATE, c->state);
  }
  if (!sw_has(c, SW_STATE_FLAG_ARMED)) return sw_result(c, SW_SETPOINT, sequence, SW_CODE_NOT_ARMED, 0);
  if (mask & ~used) return sw_result(c, SW_SETPOINT, sequence, SW_CODE_OUT_OF_RANGE, lowest_bit(mask & ~used));

  bool is_latched = c->state == SW_STATE_HOLD && !sw_has(c, SW_STATE_FLAG_RESUMABLE);
  if (!is_latched && c->state != SW_STATE_ACTIVE) {
    // The outputs come on, or follow again: only from where they are.
    if (mask != used) return sw_result(c, SW_SETPOINT, sequence, SW_CODE_OUT_OF_RANGE, lowest_bit(used & ~mask));
    for (uint8_t i = 0, at = 0; i < c->identity.channels; i++) {
      if (!(mask >> i & 1)) continue;
      uint16_t target = sw_get16(targets + at);
      uint16_t from = c->state == SW_STATE_HOLD ? sw_pulse(c, i) : sw_of_channel(c, i)[SW_CHANNEL_START];
      at += 2;
      if (!is_near(target, from, sw_global(c, SW_GLOBAL_ARM_DELTA)) || within(c, i, target) != target) {
        return sw_result(c, SW_SETPOINT, sequence, SW_CODE_OUT_OF_RANGE, i);
      }
    }
    sw_enter(c, SW_STATE_ACTIVE, SW_CAUSE_COMMAND);
  }
  if (!is_latched) {
    for (uint8_t i = 0, at = 0; i < c->identity.channels; i++) {
      if (!(mask >> i & 1)) continue;
      uint16_t target = sw_get16(targets + at), allowed = within(c, i, target);
      at += 2;
      if (allowed != target) c->clamped |= (uint16_t)1 << i;
      c->channels[i].target = (int32_t)allowed << 8;
    }
    uint16_t ttl = sw_get16(payload + SW_SETPOINT_AT_TTL_MS), longest = sw_global(c, SW_GLOBAL_TTL_MAX_MS);
    c->ttl_us = (uint32_t)(ttl == 0 || ttl > longest ? longest : ttl) * 1000;
  }
  c->alive_us = now_us;
  c->last_sequence = sequence;
  if (sw_global(c, SW_GLOBAL_STATE_PERIOD_MS) != 0) return 0;
  return sw_state_frame(c, c->state_sequence++, 0, now_us);
}

typedef struct {
  uint8_t code;
  uint16_t detail;
} outcome;

static outcome done(void) { return (outcome){SW_CODE_OK, 0}; }
static outcome refused(uint8_t code, uint16_t detail) { return (outcome){code, detail}; }

static outcome arm(sw_controller *c, uint32_t now_us) {
  if (c->state == SW_STATE_HOLD) {
    sw_flag(c, SW_STATE_FLAG_ARMED | SW_STATE_FLAG_RESUMABLE, true);
    return done();
  }
  if (c->state != SW_STATE_IDLE) return refused(SW_CODE_BAD_STATE, c->state);
  if (sw_has(c, SW_STATE_FLAG_STORING)) return refused(SW_CODE_BUSY, 0);
  if (sw_has(c, SW_STATE_FLAG_ESTOP_OPEN)) return refused(SW_CODE_ESTOP, 0);
  if (c->inputs.fault) return refused(SW_CODE_HARDWARE, 0);
  if (c->supply != 0) return refused(SW_CODE_SUPPLY, c->supply);
  uint16_t key = sw_unusable_setting(c);
  if (key != SW_NO_PLACE) return refused(SW_CODE_NOT_CONFIGURED, key);
  sw_enter(c, SW_STATE_ARMED, SW_CAUSE_COMMAND);
  c->alive_us = now_us;
  return done();
}

static outcome clear(sw_controller *c) {
  switch (c->state) {
    case SW_STATE_HOLD:
      if (!sw_has(c, SW_STATE_FLAG_ARMED)) return refused(SW_CODE_NOT_ARMED, 0);
      sw_flag(c, SW_STATE_FLAG_RESUMABLE, true);
      return done();
    case SW_STATE_FAULT:
      if (c->inputs.fault) return refused(SW_CODE_HARDWARE, 0);
      if (c->supply != 0) return refused(SW_CODE_SUPPLY, c->supply);
      break;
    case SW_STATE_ESTOP:
      if (sw_has(c, SW_STATE_FLAG_ESTOP_OPEN)) return refused(SW_CODE_ESTOP, 0);
      break;
    case SW_STATE_SAFE: break;
    default: return refused(SW_CODE_BAD_STATE, c->state);
  }
  sw_enter(c, SW_STATE_IDLE, SW_CAUSE_COMMAND);
  return done();
}

static outcome stop(sw_controller *c) {
  if (!sw_is_energised(c)) return refused(SW_CODE_BAD_STATE, c->state);
  sw_enter(c, SW_STATE_HOLD, SW_CAUSE_STOP);
  return done();
}

static outcome disarm(sw_controller *c) {
  if (c->state == SW_STATE_IDLE) return done();
  if (c->state != SW_STATE_ARMED && !sw_is_energised(c)) return refused(SW_CODE_BAD_STATE, c->state);
  sw_enter(c, SW_STATE_IDLE, SW_CAUSE_COMMAND);
  return done();
}

static outcome set(sw_controller *c, const uint8_t *pairs, uint8_t count) {
  for (uint8_t i = 0; i < count; i++) {
    uint16_t key = sw_get16(pairs + 4 * i), place = sw_place_of_key(c, key);
    if (place == SW_NO_PLACE || !sw_value_is_allowed(place, sw_get16(pairs + 4 * i + 2))) {
      return refused(SW_CODE_OUT_OF_RANGE, key);
    }
  }
  for (uint8_t i = 0; i < count; i++) {
    c->settings[sw_place_of_key(c, sw_get16(pairs + 4 * i))] = sw_get16(pairs + 4 * i + 2);
  }
  sw_flag(c, SW_STATE_FLAG_UNSAVED, true);
  return done();
}

static outcome configure(sw_controller *c, uint8_t type, const uint8_t *pairs, uint8_t count) {
  if (c->state != SW_STATE_IDLE) return refused(SW_CODE_BAD_STATE, c->state);
  if (sw_has(c, SW_STATE_FLAG_STORING)) return refused(SW_CODE_BUSY, 0);
  if (type == SW_CONFIG_SET) return set(c, pairs, count);
  if (type == SW_CONFIG_DEFAULTS) {
    sw_set_defaults(c);
    sw_flag(c, SW_STATE_FLAG_UNSAVED, true);
  } else {
    sw_begin_storing(c);
    c->last_is_pending = true;
  }
  return done();
}

static bool has_request_length(uint8_t type, uint8_t count) {
  if (type != SW_CONFIG_SET) return count == SW_ARM_FIXED;
  return count >= SW_CONFIG_SET_FIXED + 4 && count <= SW_CONFIG_SET_FIXED + 4 * 16 && (count - SW_CONFIG_SET_FIXED) % 4 == 0;
}

/// A request that comes again, because its answer was lost, gets the same answer and is not done again.
static uint8_t request(sw_controller *c, const uint8_t *body, uint8_t count, uint32_t now_us) {
  uint8_t type = body[0], sequence = body[1];
  uint16_t crc = sw_get16(body + 2 + count);
  if (c->has_last && c->last_type == type && c->last_number == sequence && c->last_crc == crc) {
    if (c->last_is_pending) return 0;
    return sw_result(c, type, sequence, c->last_code, c->last_detail);
  }
  // An answer that is still due belongs to the request before; it would only be taken for this one's.
  c->last_is_pending = false;
  outcome result;
  const uint8_t *payload = body + 2;
  if (!has_request_length(type, count)) {
    result = refused(SW_CODE_BAD_LENGTH, count);
  } else if (c->session == 0 || sw_get16(payload) != c->session) {
    result = refused(SW_CODE_BAD_SESSION, 0);
  } else {
    switch (type) {
      case SW_ARM: result = arm(c, now_us); break;
      case SW_CLEAR: result = clear(c); break;
      case SW_STOP: result = stop(c); break;
      case SW_DISARM: result = disarm(c); break;
      default: result = configure(c, type, payload + 2, (count - 2) / 4); break;
    }
  }
  c->has_last = true;
  c->last_type = type;
  c->last_number = sequence;
  c->last_crc = crc;
  c->last_code = result.code;
  c->last_detail = result.detail;
  return c->last_is_pending ? 0 : sw_result(c, type, sequence, result.code, result.detail);
}

static uint8_t config(sw_controller *c, const uint8_t *payload, uint8_t sequence) {
  uint16_t key = sw_get16(payload);
  uint8_t asked = payload[2], at = SW_CONFIG_FIXED;
  if (sw_place_of_key(c, key) == SW_NO_PLACE) return sw_result(c, SW_CONFIG_GET, sequence, SW_CODE_OUT_OF_RANGE, key);
  if (asked == 0 || asked > 16) return sw_result(c, SW_CONFIG_GET, sequence, SW_CODE_OUT_OF_RANGE, asked);
  uint8_t *p = PAYLOAD(c);
  sw_put16(p, key);
  for (uint8_t i = 0; i < asked; i++, at += 2) {
    uint16_t next = key + i, place = sw_place_of_key(c, next);
    if (place == SW_NO_PLACE || (next & 0xFFF0) != (key & 0xFFF0)) break;
    sw_put16(p + at, c->settings[place]);
  }
  return send(c, SW_CONFIG, sequence, at);
}

static uint8_t time(sw_controller *c, const uint8_t *payload, uint8_t sequence, uint32_t now_us) {
  uint8_t *p = PAYLOAD(c);
  memcpy(p + SW_TIME_AT_T1, payload, 8);
  sw_put32(p + SW_TIME_AT_MCU_RX, now_us);
  sw_put32(p + SW_TIME_AT_MCU_TX, now_us);
  return send(c, SW_TIME, sequence, SW_TIME_FIXED);
}

static uint8_t stats(sw_controller *c, uint8_t sequence) {
  uint8_t *p = PAYLOAD(c);
  sw_put32(p + SW_STATS_AT_FRAMES, c->frames);
  for (uint8_t i = 0; i < SW_COUNTERS; i++) sw_put16(p + SW_STATS_AT_CRC + 2 * i, c->counters[i]);
  return send(c, SW_STATS, sequence, SW_STATS_FIXED);
}

uint8_t sw_handle(sw_controller *c, uint32_t now_us) {
  const uint8_t *body = c->receiver.body, *payload = body + 2;
  uint8_t type = body[0], sequence = body[1], count = c->receiver.count - 4;
  if (type & 0x80) { // another board's, or our own come back
    sw_count(c, SW_COUNT_MALFORMED);
    return 0;
  }
  if (type < 0x10) return handshake(c, body, count);
  if (type >= SW_ARM && type <= SW_CONFIG_DEFAULTS) return request(c, body, count, now_us);
  bool fits;
  switch (type) {
    case SW_SETPOINT:
      fits = count >= SW_SETPOINT_FIXED && count == SW_SETPOINT_FIXED + 2 * bits(sw_get16(payload + SW_SETPOINT_AT_MASK));
      if (!fits) break;
      if (c->session == 0 || sw_get16(payload) != c->session) {
        return sw_result(c, type, sequence, SW_CODE_BAD_SESSION, 0);
      }
      return setpoint(c, payload, sequence, now_us);
    case SW_TIME_REQ:
      if (count == SW_TIME_REQ_FIXED) return time(c, payload, sequence, now_us);
      break;
    case SW_CONFIG_GET:
      if (count == SW_CONFIG_GET_FIXED) return config(c, payload, sequence);
      break;
    case SW_STATS_REQ:
      if (count == SW_STATS_REQ_FIXED) return stats(c, sequence);
      break;
    case SW_STATE_REQ:
      if (count == SW_STATE_REQ_FIXED) return sw_state_frame(c, sequence, SW_STATE_FLAG_SOLICITED, now_us);
      break;
    default: return sw_result(c, type, sequence, SW_CODE_UNKNOWN_TYPE, type);
  }
  return sw_result(c, type, sequence, SW_CODE_BAD_LENGTH, count);
}
