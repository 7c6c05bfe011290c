// The five functions that a board is ported by. Nothing else of the firmware knows the hardware.
#ifndef SINEW_FIRMWARE_HARDWARE_H
#define SINEW_FIRMWARE_HARDWARE_H

#include "sinew_wire.h"

/// Time since the start, µs; may wrap.
uint32_t hw_now_us(void);
/// The next byte from the host, HW_NOTHING, or HW_LOST once after bytes were lost.
int16_t hw_receive(void);
/// Takes a whole frame to send, or drops it whole when there is no room. Must not wait.
void hw_transmit(const uint8_t *bytes, uint8_t count);
/// Puts out what the controller wants (sw_pulse, sw_rail_level, sw_frame_hz, the state on a light), reads the inputs and
/// restarts the hardware watchdog (250 ms). Outputs that go off must go off in this call. Then it may sleep, 1 ms at most and no
/// longer than until a byte comes.
void hw_exchange(const sw_controller *controller, sw_inputs *inputs);
/// Reads a byte of the configuration store, or writes it and reads it back: HW_DONE, HW_BUSY (ask again), HW_FAILED.
int8_t hw_memory(uint16_t address, uint8_t *byte, bool write);

enum { HW_NOTHING = -1, HW_LOST = -2 };
enum { HW_DONE, HW_BUSY, HW_FAILED };

/// The firmware; the board's main calls it when its hardware is ready. Does not return.
void firmware_run(const sw_identity *identity);

#endif
