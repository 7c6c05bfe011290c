// Hammers the C core with frames that are right in form and random in content, with broken ones and with random bytes,
// under AddressSanitizer and UndefinedBehaviorSanitizer: hammer FRAMES. Prints what it came to.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinew_wire.h"

static uint64_t state = 88172645463325252u;
static uint32_t random_bits(void) { // xorshift64 (Marsaglia 2003)
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 16);
}
static uint32_t below(uint32_t bound) { return random_bits() % bound; }

static uint8_t store[2 * SW_SLOT_BYTES];
static uint8_t load(void *context, uint16_t address) {
  (void)context;
  if (address >= sizeof store) abort();
  return store[address];
}

/// On the heap, so that a step past the end is seen.
static sw_controller *board;
static uint32_t now_us;
static unsigned long answers, entered[8];
static sw_inputs inputs;

static void check(uint8_t count) {
  if (count > sizeof board->frame || (count && board->frame[count - 1])) abort();
  if (count) answers++;
  for (uint8_t i = 0; i < 20; i++) {
    uint16_t pulse = sw_pulse(board, i);
    if (pulse && (pulse < 1600 || pulse > 10400 || !sw_rail_is_on(board))) abort();
  }
}

static void feed(uint8_t byte) {
  now_us += 10;
  check(sw_feed(board, byte, now_us));
}

static void send(uint8_t type, uint8_t sequence, const uint8_t *payload, uint8_t count) {
  uint8_t *frame = malloc((size_t)count + 6);
  frame[1] = type, frame[2] = sequence;
  memcpy(frame + 3, payload, count);
  uint8_t length = sw_seal(frame, count + 2);
  if (below(20) == 0) frame[below(length)] ^= 1u << below(8);
  for (uint8_t i = 0; i < length; i++) feed(frame[i]);
  free(frame);
}

static void some_message(uint8_t sequence) {
  static const uint8_t types[] = {1, 2, 0x10, 0x10, 0x10, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x30, 0x31, 0x32, 0x33};
  uint8_t payload[SW_MAXIMUM_BODY], channels = board->identity.channels;
  uint8_t type = below(30) ? types[below(sizeof types)] : (uint8_t)random_bits(), count = 2;
  for (unsigned i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)random_bits();
  payload[0] = 0x34, payload[1] = 0x12;
  if (type == SW_HELLO) {
    const uint8_t hello[] = {SW_MAJOR, 0, (uint8_t)SW_SCHEMA_HASH, (uint8_t)(SW_SCHEMA_HASH >> 8),
                             (uint8_t)(SW_SCHEMA_HASH >> 16), (uint8_t)(SW_SCHEMA_HASH >> 24), 0x34, 0x12};
    memcpy(payload, hello, count = sizeof hello);
  } else if (type == SW_SETPOINT) {
    uint16_t mask = (uint16_t)((1ul << channels) - 1);
    payload[2] = (uint8_t)mask, payload[3] = (uint8_t)(mask >> 8), payload[4] = payload[5] = 0;
    count = 6 + 2 * channels;
    for (uint8_t i = 6; i < count; i += 2) payload[i] = (uint8_t)(6000 + below(60)), payload[i + 1] = 6000 >> 8;
  } else if (type == SW_CONFIG_SET) {
    static const uint16_t values[] = {1, 4000, 8000, 3000, 3000, 6000};
    uint16_t key = 0x100 + (below(channels) << 4);
    for (uint8_t i = 0; i < 6; i++, count += 4, key++) {
      payload[count] = (uint8_t)key, payload[count + 1] = key >> 8;
      payload[count + 2] = (uint8_t)values[i], payload[count + 3] = values[i] >> 8;
    }
  } else if (type == SW_CONFIG_GET) {
    payload[0] = below(2) ? (uint8_t)below(12) : 0, payload[1] = below(2), payload[2] = below(18), count = 3;
  } else if (type == SW_TIME_REQ) {
    count = 8;
  }
  if (below(25) == 0) count = below(SW_MAXIMUM_BODY - 3);
  send(type, sequence, payload, count);
}

int main(int argc, char **argv) {
  long frames = argc == 2 ? atol(argv[1]) : 0;
  if (frames < 1) return fprintf(stderr, "Usage: hammer FRAMES\n"), 2;
  memset(store, 255, sizeof store);
  sw_identity identity = {0};
  for (long i = 0; i < frames; i++) {
    if (i % 5000 == 0) { // power goes and comes, sometimes in the middle of a store
      if (below(4) == 0) store[below(sizeof store)] ^= 1u << below(8);
      free(board);
      board = malloc(sizeof *board);
      identity.channels = i == 0 ? SW_CHANNELS : (uint8_t)(1 + below(SW_CHANNELS));
      inputs = (sw_inputs){.voltage_mv = 7000};
      sw_begin(board, &identity, load, NULL, now_us);
    }
    if (below(50) == 0) {
      for (uint32_t n = below(300); n > 0; n--) feed((uint8_t)random_bits());
      feed(0);
    }
    some_message((uint8_t)i);
    if (below(1000) == 0) sw_bytes_were_lost(board);
    if (below(inputs.estop_open ? 5 : 500) == 0) inputs.estop_open = !inputs.estop_open;
    if (below(inputs.fault ? 5 : 900) == 0) inputs.fault = !inputs.fault;
    inputs.feedback_count = below(SW_CHANNELS + 1);
    now_us += below(100) ? below(4000) : below(2000000);
    check(sw_step(board, &inputs, now_us));
    entered[board->state]++;
    uint16_t address;
    uint8_t byte;
    for (uint8_t n = 0; n < 20 && sw_store_next(board, &address, &byte); n++) {
      if (address >= sizeof store) abort();
      store[address] = byte;
      sw_stored(board, below(5000) != 0);
    }
  }
  free(board);
  for (uint8_t i = 0; i < 8; i++) {
    if (i != SW_STATE_ESTOP && entered[i] == 0) return fprintf(stderr, "hammer: state %u was never seen\n", i), 1;
  }
  if (answers < (unsigned long)frames / 2) return fprintf(stderr, "hammer: only %lu answers\n", answers), 1;
  printf("%ld frames, %lu answers\n", frames, answers);
  return 0;
}
