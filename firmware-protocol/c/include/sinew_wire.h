// The board's side of the Sinew servo wire in portable C99: no heap, no I/O, no clock. ../PROTOCOL.md says what it does.
//
// Bytes go in by sw_feed, time and inputs by sw_step; both say how many bytes of `frame` are to be sent now, and the
// caller sends them before the next call. Pulses and the servos' power come out of sw_pulse and sw_rail_is_on, the bytes
// of the configuration store out of sw_store_next. `now_us` counts microseconds and may wrap.
#ifndef SINEW_WIRE_H
#define SINEW_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "sinew_wire_schema.h"

/// Most channels of this build; memory is laid out for them.
#ifndef SW_CHANNELS
#define SW_CHANNELS SW_MAXIMUM_CHANNELS
#endif

#define SW_SETTINGS (SW_GLOBAL_SETTINGS + SW_CHANNELS * SW_CHANNEL_SETTINGS)

/// What became of the byte that sw_receive got.
enum { SW_NOTHING, SW_FRAME, SW_BAD_CRC, SW_BAD_FRAMING, SW_TOO_LONG };

/// Finds frames in a stream of bytes. All zero before the first byte.
typedef struct {
  uint8_t count;                 ///< Bytes in `body`.
  uint8_t left;                  ///< Bytes that this COBS block still has.
  uint8_t mode;                  ///< Between frames, within one, or passing over the rest of one.
  bool zero_follows;             ///< This COBS block stands for a zero at its end, unless the frame ends there.
  uint8_t body[SW_MAXIMUM_BODY]; ///< Type, sequence, payload and CRC of the frame found; valid until the next byte.
} sw_receiver;

/// Who the board is.
typedef struct {
  uint16_t firmware, board, boot_count, capabilities, maximum_rate_hz;
  uint8_t reset;
  uint8_t channels; ///< 1 to SW_CHANNELS.
  uint8_t unique_id[8];
} sw_identity;

/// What the hardware layer measures.
typedef struct {
  bool estop_open;
  bool fault;
  uint16_t voltage_mv, current_ma;
  uint8_t feedback_count; ///< 0 or as many as channels.
  uint16_t feedback[SW_CHANNELS];
} sw_inputs;

/// One channel in motion. Positions are in 1/256 of 0.25 µs, speeds in that per tick.
typedef struct {
  int32_t position, velocity, target, fastest, acceleration;
} sw_channel;

/// The counters of STATS behind `frames`, in their order.
enum {
  SW_COUNT_CRC, SW_COUNT_FRAMING, SW_COUNT_OVERSIZE, SW_COUNT_OVERRUN, SW_COUNT_MALFORMED, SW_COUNT_SEQUENCE_GAPS,
  SW_COUNT_REFUSED, SW_COUNT_WATCHDOG_HOLDS, SW_COUNT_WATCHDOG_OFFS, SW_COUNT_LATE_TICKS, SW_COUNTERS
};

/// The controller. Read only through the functions below, except for `frame`, `state`, `cause`, `flags` and counters. What is
/// used often stands within the 64 bytes that an AVR reaches with one instruction.
typedef struct {
  uint8_t state, cause, supply;
  uint8_t flags; ///< The lower eight of SW_STATE_FLAG.
  bool estop_raw, inputs_are_known, state_is_due, result_is_due, has_sequence, has_last, last_is_pending;
  uint8_t last_sequence, setpoint_sequence, state_sequence, last_type, last_number, last_code, slot, store_code;
  uint16_t session, clamped, limited, last_crc, last_detail;
  uint32_t alive_us, ttl_us, next_tick_us, estop_changed_us, supply_good_us, state_sent_us;
  uint16_t generation, store_at, store_crc;
  sw_receiver receiver;
  uint32_t frames;
  uint16_t counters[SW_COUNTERS];
  sw_identity identity;
  sw_inputs inputs;
  uint16_t settings[SW_SETTINGS];
  sw_channel channels[SW_CHANNELS];
  uint8_t frame[SW_MAXIMUM_BODY + 2]; ///< What is to be sent.
} sw_controller;

/// CRC-16 with one more byte.
uint16_t sw_crc(uint16_t crc, uint8_t byte);
/// Takes one byte of the stream.
uint8_t sw_receive(sw_receiver *receiver, uint8_t byte);
/// Completes a frame whose type, sequence and payload, `count` bytes, begin at frame[1]; gives its length on the wire.
uint8_t sw_seal(uint8_t *frame, uint8_t count);

/// Reads a byte of the configuration store (two slots, 2 × SW_SLOT_BYTES).
typedef uint8_t (*sw_loader)(void *context, uint16_t address);

/// Starts with outputs off. The loader is called during this call only.
void sw_begin(sw_controller *c, const sw_identity *identity, sw_loader load, void *context, uint32_t now_us);
/// Takes one byte from the host.
uint8_t sw_feed(sw_controller *c, uint8_t byte, uint32_t now_us);
/// The hardware lost bytes: what comes before the next delimiter is no frame.
void sw_bytes_were_lost(sw_controller *c);
/// Takes the inputs and lets time pass; call it at least once a millisecond.
uint8_t sw_step(sw_controller *c, const sw_inputs *inputs, uint32_t now_us);
/// The pulse of a channel, 0.25 µs; 0: no pulse.
uint16_t sw_pulse(const sw_controller *c, uint8_t channel);
/// Whether the servos' power is to be on.
static inline bool sw_rail_is_on(const sw_controller *c) { return c->flags & SW_STATE_FLAG_RAIL; }
/// The level of the rail-enable pin.
bool sw_rail_level(const sw_controller *c);
/// The rate of the pulses, Hz.
uint16_t sw_frame_hz(const sw_controller *c);
/// Whether a byte is to be stored, and where; then tell sw_stored whether it was.
bool sw_store_next(const sw_controller *c, uint16_t *address, uint8_t *byte);
void sw_stored(sw_controller *c, bool ok);

#endif
