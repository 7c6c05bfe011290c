// The firmware's loop, the same on every board: inputs and time in, bytes in, frames and pulses out.
#include "hardware.h"

static sw_controller controller;

static uint8_t load(void *context, uint16_t address) {
  (void)context;
  uint8_t byte = 0xFF;
  while (hw_memory(address, &byte, false) == HW_BUSY) {
  }
  return byte;
}

static void store(void) {
  uint16_t address;
  uint8_t byte;
  if (!sw_store_next(&controller, &address, &byte)) return;
  int8_t outcome = hw_memory(address, &byte, true);
  if (outcome != HW_BUSY) sw_stored(&controller, outcome == HW_DONE);
}

void firmware_run(const sw_identity *identity) {
  sw_inputs inputs = {.estop_open = true};
  sw_begin(&controller, identity, load, 0, hw_now_us());
  for (;;) {
    hw_exchange(&controller, &inputs);
    uint8_t count = sw_step(&controller, &inputs, hw_now_us());
    if (count) hw_transmit(controller.frame, count);
    // A frame's worth at a time: a host that never pauses must not keep time from passing.
    for (uint8_t i = 0; i < 32; i++) {
      int16_t byte = hw_receive();
      if (byte == HW_NOTHING) break;
      if (byte == HW_LOST) {
        sw_bytes_were_lost(&controller);
        continue;
      }
      count = sw_feed(&controller, (uint8_t)byte, hw_now_us());
      if (count) {
        hw_transmit(controller.frame, count);
        break;
      }
    }
    store();
  }
}
