// An emulated ATmega328P with our firmware, moved forward by commands on standard input, in emulated time only:
//
//   send HEX      puts bytes on the line, at the bit rate that the firmware has set, from now on
//   estop open|closed
//   reset         presses the reset button for a moment
//   hang          the firmware stops where it is, for ever
//   run MICROSECONDS
//
// During `run` it prints "frame US HEX" when a zero ended what the board sent, and "rail US 0|1" when the servos' power
// changed; after it "now US rail 0|1 light 0|1 pulses US US US US US US",
// each the length of the channel's last pulse, 0.0 when none ended within the last 40 ms. The EEPROM lives as long as the
// program. Usage: atmega328p FIRMWARE.elf
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

enum { LINE = 1 << 16 };

static uint8_t sent[LINE];
static size_t sent_count;

static void on_sent(uint8_t byte) {
  if (sent_count < sizeof sent) sent[sent_count++] = byte;
  if (byte != 0) return;
  printf("frame %llu ", (unsigned long long)board_us());
  for (size_t i = 0; i < sent_count; i++) printf("%02x", sent[i]);
  printf("\n");
  sent_count = 0;
}

static void on_rail(bool is_on) { printf("rail %llu %d\n", (unsigned long long)board_us(), is_on); }

static void on_light(bool is_on) { (void)is_on; }

static void on_pulse(int channel, double width_us) { (void)channel, (void)width_us; }

static void report(void) {
  printf("now %llu rail %d light %d pulses", (unsigned long long)board_us(), board_rail(), board_light());
  for (int i = 0; i < BOARD_CHANNELS; i++) printf(" %.2f", board_pulse(i));
  printf("\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static char line[2 * LINE + 16];
  if (argc != 2) return fprintf(stderr, "Usage: atmega328p FIRMWARE.elf\n"), 2;
  board_start(argv[1], (board_events){on_sent, on_rail, on_light, on_pulse});
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "send ", 5)) {
      unsigned value;
      for (char *at = line + 5; sscanf(at, "%2x", &value) == 1; at += 2) board_receive(&(uint8_t){(uint8_t)value}, 1);
    } else if (!strncmp(line, "run ", 4)) {
      board_run(strtoul(line + 4, NULL, 10));
      report();
    } else if (!strcmp(line, "estop open\n")) {
      board_set_estop(true);
    } else if (!strcmp(line, "estop closed\n")) {
      board_set_estop(false);
    } else if (!strcmp(line, "reset\n")) {
      board_reset();
    } else if (!strcmp(line, "hang\n")) {
      board_hang();
    } else {
      fprintf(stderr, "atmega328p: unknown command: %s", line);
      return 2;
    }
  }
  return 0;
}
