// Framing: COBS, CRC, and the seed that keeps versions apart.
#include "internal.h"

enum { BETWEEN_FRAMES, IN_FRAME, TOO_LONG, LOST_BYTES };

// Without a table: 0x1021 has so few terms that a byte's contribution is four shifts.
uint16_t sw_crc(uint16_t crc, uint8_t byte) {
  uint8_t x = (uint8_t)(crc >> 8) ^ byte;
  x ^= x >> 4;
  return (uint16_t)(crc << 8 ^ (uint16_t)x << 12 ^ (uint16_t)x << 5 ^ x);
}

/// The CRC of a body's first `count` bytes; the messages of the handshake leave the seed out.
static uint16_t crc_of_body(const uint8_t *body, uint8_t count) {
  uint16_t crc = 0xFFFF;
  if ((body[0] & 0x7F) >= 0x10) {
    crc = sw_crc(crc, (uint8_t)SW_SEED);
    crc = sw_crc(crc, (uint8_t)(SW_SEED >> 8));
  }
  for (uint8_t i = 0; i < count; i++) crc = sw_crc(crc, body[i]);
  return crc;
}

static void push(sw_receiver *r, uint8_t byte) {
  if (r->count == SW_MAXIMUM_BODY) {
    r->mode = TOO_LONG;
  } else {
    r->body[r->count++] = byte;
  }
}

static uint8_t end_of_frame(sw_receiver *r) {
  uint8_t mode = r->mode;
  r->mode = BETWEEN_FRAMES;
  if (mode == BETWEEN_FRAMES || mode == LOST_BYTES) return SW_NOTHING;
  if (mode == TOO_LONG) return SW_TOO_LONG;
  if (r->left != 0 || r->count < 4) return SW_BAD_FRAMING;
  uint8_t count = r->count - 2;
  return crc_of_body(r->body, count) == sw_get16(r->body + count) ? SW_FRAME : SW_BAD_CRC;
}

uint8_t sw_receive(sw_receiver *r, uint8_t byte) {
  if (byte == 0) return end_of_frame(r);
  if (r->mode == BETWEEN_FRAMES) {
    r->mode = IN_FRAME;
    r->count = 0;
    r->left = 0;
    r->zero_follows = false;
  }
  if (r->mode != IN_FRAME) return SW_NOTHING;
  if (r->left != 0) {
    push(r, byte);
    r->left--;
    return SW_NOTHING;
  }
  if (r->zero_follows) push(r, 0);
  r->left = byte - 1;
  r->zero_follows = byte != 0xFF;
  return SW_NOTHING;
}

void sw_bytes_were_lost(sw_controller *c) {
  sw_count(c, SW_COUNT_OVERRUN);
  c->receiver.mode = LOST_BYTES;
}

uint8_t sw_seal(uint8_t *frame, uint8_t count) {
  sw_put16(frame + 1 + count, crc_of_body(frame + 1, count));
  count += 2;
  // COBS in place: every zero, and the byte in front, says how far away the next zero is.
  uint8_t previous = 0;
  for (uint8_t i = 1; i <= count; i++) {
    if (frame[i] != 0) continue;
    frame[previous] = i - previous;
    previous = i;
  }
  frame[previous] = count + 1 - previous;
  frame[count + 1] = 0;
  return count + 2;
}
