// An emulated ATmega328P with our firmware, moved forward by commands on standard input, in emulated time only:
//
//   send HEX      puts bytes on the line, one each 10 µs (1 Mbit/s), from now on
//   estop open|closed
//   reset         presses the reset button for a moment
//   run MICROSECONDS
//
// During `run` it prints "frame US HEX" when a zero ended what the board sent, and "rail US 0|1" when the servos' power
// changed; after it "now US rail 0|1 light 0|1 pulses US US US US US US",
// each the length of the channel's last pulse, 0.0 when none ended within the last 40 ms. The EEPROM lives as long as the
// program. Usage: atmega328p FIRMWARE.elf
#include <simavr/avr_eeprom.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 6, CYCLES_PER_BYTE = 160, CYCLES_PER_US = 16, LINE = 1 << 16 };

static avr_t *avr;
static unsigned char sent[LINE], pending[LINE];
static size_t sent_count, pending_count, pending_at;
static avr_cycle_count_t next_byte_at, rose_at[CHANNELS], fell_at[CHANNELS];
static double pulse_us[CHANNELS];
static int rail, light;

static void on_sent(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (sent_count < sizeof sent) sent[sent_count++] = (unsigned char)value;
  if (value != 0) return;
  printf("frame %llu ", (unsigned long long)(avr->cycle / CYCLES_PER_US));
  for (size_t i = 0; i < sent_count; i++) printf("%02x", sent[i]);
  printf("\n");
  sent_count = 0;
}

static void on_rail(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  if (rail != (value != 0)) printf("rail %llu %d\n", (unsigned long long)(avr->cycle / CYCLES_PER_US), value != 0);
  rail = value != 0;
}

static void on_servo(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  long channel = (long)param;
  if (value) {
    rose_at[channel] = avr->cycle;
  } else if (rose_at[channel]) {
    pulse_us[channel] = (double)(avr->cycle - rose_at[channel]) / CYCLES_PER_US;
    fell_at[channel] = avr->cycle;
    rose_at[channel] = 0;
  }
}

static void on_level(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  *(int *)param = value != 0;
}

static avr_irq_t *pin(char port, int bit) { return avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit); }

/// The e-stop's wire: to ground when closed; open, the processor's own pull-up raises the pin.
static void wire_estop(int is_open) {
  avr_ioport_external_t external = {.name = 'D', .mask = 1 << 2, .value = is_open ? 1 << 2 : 0};
  avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &external);
  avr_raise_irq(pin('D', 2), is_open);
}

static void start(elf_firmware_t *firmware) {
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) fprintf(stderr, "atmega328p: no such processor in simavr\n"), exit(1);
  avr_init(avr);
  avr_load_firmware(avr, firmware);
  avr->frequency = 16000000;
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_sent, NULL);
  for (long i = 0; i < 5; i++) avr_irq_register_notify(pin('D', 3 + (int)i), on_servo, (void *)i);
  avr_irq_register_notify(pin('B', 1), on_servo, (void *)5L);
  avr_irq_register_notify(pin('B', 0), on_rail, NULL);
  avr_irq_register_notify(pin('B', 5), on_level, &light);
  wire_estop(0);
}

static void run(unsigned long microseconds) {
  avr_cycle_count_t end = avr->cycle + (avr_cycle_count_t)microseconds * CYCLES_PER_US;
  avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  while (avr->cycle < end) {
    if (pending_at < pending_count && avr->cycle >= next_byte_at) {
      avr_raise_irq(input, pending[pending_at++]);
      next_byte_at = avr->cycle + CYCLES_PER_BYTE;
    }
    int state = avr_run(avr);
    if (state == cpu_Done || state == cpu_Crashed) fprintf(stderr, "atmega328p: the processor crashed\n"), exit(1);
  }
  if (pending_at == pending_count) pending_at = pending_count = 0;
}

static void report(void) {
  printf("now %llu rail %d light %d pulses", (unsigned long long)(avr->cycle / CYCLES_PER_US), rail, light);
  for (int i = 0; i < CHANNELS; i++) {
    int is_old = !fell_at[i] || avr->cycle - fell_at[i] > 40000 * CYCLES_PER_US;
    printf(" %.2f", is_old ? 0.0 : pulse_us[i]);
  }
  printf("\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static char line[2 * LINE + 16];
  elf_firmware_t firmware = {0};
  if (argc != 2) return fprintf(stderr, "Usage: atmega328p FIRMWARE.elf\n"), 2;
  if (elf_read_firmware(argv[1], &firmware) != 0) return fprintf(stderr, "atmega328p: cannot read %s\n", argv[1]), 2;
  start(&firmware);
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "send ", 5)) {
      unsigned byte;
      for (char *at = line + 5; pending_count < sizeof pending && sscanf(at, "%2x", &byte) == 1; at += 2) {
        pending[pending_count++] = (unsigned char)byte;
      }
    } else if (!strncmp(line, "run ", 4)) {
      run(strtoul(line + 4, NULL, 10));
      report();
    } else if (!strcmp(line, "estop open\n")) {
      wire_estop(1);
    } else if (!strcmp(line, "estop closed\n")) {
      wire_estop(0);
    } else if (!strcmp(line, "reset\n")) {
      avr_reset(avr);
      wire_estop(0);
    } else {
      fprintf(stderr, "atmega328p: unknown command: %s", line);
      return 2;
    }
  }
  return 0;
}
