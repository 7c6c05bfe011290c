// A firmware that calls all of the core and does nothing else, to measure the core's size; with -DWITHOUT_CORE it is what
// is left without the core.
#include <avr/io.h>

#ifdef WITHOUT_CORE
int main(void) {
  for (;;) UDR0 = UDR0;
}
#else
#include "sinew_wire.h"

static sw_controller board;
static sw_inputs inputs;

static uint8_t load(void *context, uint16_t address) {
  (void)context;
  return EEDR + (uint8_t)address;
}

int main(void) {
  sw_identity identity = {.channels = SW_CHANNELS};
  sw_begin(&board, &identity, load, 0, TCNT1);
  for (;;) {
    uint16_t address;
    uint8_t byte;
    UDR0 = sw_feed(&board, UDR0, TCNT1);
    UDR0 = sw_step(&board, &inputs, TCNT1);
    if (UDR0) sw_bytes_were_lost(&board);
    if (sw_store_next(&board, &address, &byte)) sw_stored(&board, UDR0);
    UDR0 = (uint8_t)sw_pulse(&board, UDR0) + sw_rail_level(&board) + (uint8_t)sw_frame_hz(&board);
  }
}
#endif
