// The state machine: time, inputs, watchdog.
#include "internal.h"

#include <string.h>

void sw_begin(sw_controller *c, const sw_identity *identity, sw_loader load, void *context, uint32_t now_us) {
  memset(c, 0, sizeof *c);
  c->identity = *identity;
  sw_load(c, load, context);
  c->next_tick_us = now_us + SW_TICK_US;
  c->estop_raw = true;
  c->estop_changed_us = now_us;
  c->supply_good_us = now_us;
}

void sw_count(sw_controller *c, uint8_t counter) { c->counters[counter] += c->counters[counter] != 0xFFFF; }

void sw_enter(sw_controller *c, uint8_t state, uint8_t cause) {
  if (state == SW_STATE_HOLD) sw_brake_channels(c);
  if (state == SW_STATE_ARMED) sw_prepare_channels(c);
  c->state = state;
  c->cause = cause;
  sw_flag(c, SW_STATE_FLAG_RAIL, sw_is_energised(c));
  if (state == SW_STATE_ARMED || !sw_is_energised(c)) sw_flag(c, SW_STATE_FLAG_ARMED, state == SW_STATE_ARMED);
  sw_flag(c, SW_STATE_FLAG_RESUMABLE, false);
  c->state_is_due = true;
}

/// What is wrong with the supply: a cause, or 0.
static uint8_t supply_cause(const sw_controller *c) {
  uint16_t lowest = sw_global(c, SW_GLOBAL_VOLTAGE_MIN_MV), highest = sw_global(c, SW_GLOBAL_VOLTAGE_MAX_MV);
  uint16_t most = sw_global(c, SW_GLOBAL_CURRENT_MAX_MA);
  if (lowest != 0 && c->inputs.voltage_mv < lowest) return SW_CAUSE_UNDERVOLTAGE;
  if (highest != 0 && c->inputs.voltage_mv > highest) return SW_CAUSE_OVERVOLTAGE;
  if (most != 0 && c->inputs.current_ma > most) return SW_CAUSE_OVERCURRENT;
  return 0;
}

static void watch_estop(sw_controller *c, uint32_t now_us) {
  if (c->inputs.estop_open != c->estop_raw) {
    c->estop_raw = c->inputs.estop_open;
    c->estop_changed_us = now_us;
  } else if (now_us - c->estop_changed_us >= SW_ESTOP_DEBOUNCE_US) {
    sw_flag(c, SW_STATE_FLAG_ESTOP_OPEN, c->estop_raw);
    c->inputs_are_known = true;
    c->estop_changed_us = now_us - SW_ESTOP_DEBOUNCE_US; // so that the difference never wraps
  }
  if (sw_has(c, SW_STATE_FLAG_ESTOP_OPEN)) {
    if (c->state != SW_STATE_ESTOP) sw_enter(c, SW_STATE_ESTOP, SW_CAUSE_ESTOP_INPUT);
  } else if (c->state == SW_STATE_BOOT && c->inputs_are_known) {
    sw_enter(c, SW_STATE_IDLE, SW_CAUSE_POWER_ON);
  }
}

static void watch_faults(sw_controller *c, uint32_t now_us) {
  c->supply = supply_cause(c);
  if (c->supply == 0) c->supply_good_us = now_us;
  bool is_lasting = now_us - c->supply_good_us >= SW_SUPPLY_DEBOUNCE_US;
  if (is_lasting) c->supply_good_us = now_us - SW_SUPPLY_DEBOUNCE_US; // so that the difference never wraps
  if (c->state == SW_STATE_BOOT || c->state == SW_STATE_FAULT || c->state == SW_STATE_ESTOP) return;
  if (c->inputs.fault) {
    sw_enter(c, SW_STATE_FAULT, SW_CAUSE_HARDWARE);
  } else if (is_lasting && (c->state == SW_STATE_ARMED || sw_is_energised(c))) {
    sw_enter(c, SW_STATE_FAULT, c->supply);
  }
}

void sw_guard(sw_controller *c, uint32_t now_us) {
  uint32_t silent = now_us - c->alive_us, off = (uint32_t)sw_global(c, SW_GLOBAL_OFF_MS) * 1000;
  if (c->state == SW_STATE_ARMED && silent >= off) {
    sw_enter(c, SW_STATE_IDLE, SW_CAUSE_ARMING_LAPSED);
  } else if (sw_is_energised(c) && silent >= off) {
    sw_count(c, SW_COUNT_WATCHDOG_OFFS);
    sw_enter(c, SW_STATE_SAFE, SW_CAUSE_WATCHDOG_OFF);
  } else if (c->state == SW_STATE_ACTIVE && silent >= c->ttl_us) {
    sw_count(c, SW_COUNT_WATCHDOG_HOLDS);
    sw_enter(c, SW_STATE_HOLD, SW_CAUSE_WATCHDOG);
  }
}

/// A late tick is done once; those left out are counted and never caught up with.
static void tick(sw_controller *c, uint32_t now_us) {
  if ((int32_t)(now_us - c->next_tick_us) < 0) return;
  if (sw_is_energised(c)) sw_move_channels(c);
  c->next_tick_us += SW_TICK_US;
  if ((int32_t)(now_us - c->next_tick_us) < 0) return;
  sw_count(c, SW_COUNT_LATE_TICKS);
  c->next_tick_us += SW_TICK_US * ((now_us - c->next_tick_us) / SW_TICK_US + 1);
}

uint8_t sw_step(sw_controller *c, const sw_inputs *inputs, uint32_t now_us) {
  c->inputs = *inputs;
  if (c->inputs.feedback_count != c->identity.channels) c->inputs.feedback_count = 0;
  watch_estop(c, now_us);
  watch_faults(c, now_us);
  sw_guard(c, now_us);
  tick(c, now_us);

  if (c->result_is_due) {
    c->result_is_due = false;
    // A new session did not ask for it.
    if (c->has_last && c->last_is_pending) {
      c->last_is_pending = false;
      c->last_code = c->store_code;
      return sw_result(c, c->last_type, c->last_number, c->last_code, 0);
    }
  }
  uint32_t period = (uint32_t)sw_global(c, SW_GLOBAL_STATE_PERIOD_MS) * 1000;
  bool is_due = c->state_is_due || (period != 0 && now_us - c->state_sent_us >= period);
  c->state_is_due = false;
  return is_due && c->session != 0 ? sw_state_frame(c, c->state_sequence++, 0, now_us) : 0;
}

uint8_t sw_feed(sw_controller *c, uint8_t byte, uint32_t now_us) {
  switch (sw_receive(&c->receiver, byte)) {
    case SW_FRAME:
      c->frames++;
      sw_guard(c, now_us); // a message that comes too late is too late, whenever the last step was
      return sw_handle(c, now_us);
    case SW_BAD_CRC: sw_count(c, SW_COUNT_CRC); break;
    case SW_BAD_FRAMING: sw_count(c, SW_COUNT_FRAMING); break;
    case SW_TOO_LONG: sw_count(c, SW_COUNT_OVERSIZE); break;
    default: break;
  }
  return 0;
}

bool sw_rail_level(const sw_controller *c) { return sw_rail_is_on(c) != (sw_global(c, SW_GLOBAL_RAIL_ACTIVE_LOW) != 0); }

uint16_t sw_frame_hz(const sw_controller *c) { return sw_global(c, SW_GLOBAL_FRAME_HZ); }
