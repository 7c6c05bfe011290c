#include "board.h"

#include <simavr/avr_eeprom.h>
#include <simavr/avr_extint.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 16, BITS_PER_BYTE = 10 };
// Data addresses of the UART's registers (data sheet of the ATmega328P, section 30).
enum { REGISTER_UCSR0A = 0xC0, REGISTER_UCSR0B = 0xC1, REGISTER_UBRR0L = 0xC4, REGISTER_UBRR0H = 0xC5, U2X0 = 1 << 1, RXEN0 = 1 << 4 };

static avr_t *avr;
static board_events told;
static uint8_t pending[LINE];
static size_t pending_count, pending_at;
static avr_cycle_count_t next_byte_at, rose_at[BOARD_CHANNELS], fell_at[BOARD_CHANNELS];
static double pulse_us[BOARD_CHANNELS];
static bool rail, light, estop_is_open;

static void on_sent(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  told.sent((uint8_t)value);
}

static void on_rail(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  bool was = rail;
  rail = value != 0;
  if (rail != was) told.rail(rail);
}

static void on_light(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  bool was = light;
  light = value != 0;
  if (light != was) told.light(light);
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
    told.pulse((int)channel, pulse_us[channel]);
  }
}

static avr_irq_t *pin(char port, int bit) { return avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit); }

/// To ground when closed; open, the processor's own pull-up raises the pin.
void board_set_estop(bool is_open) {
  estop_is_open = is_open;
  avr_ioport_external_t external = {.name = 'D', .mask = 1 << 2, .value = is_open ? 1 << 2 : 0};
  avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &external);
  avr_raise_irq(pin('D', 2), is_open);
}

/// simavr prints what it does on standard output, which is ours, and each byte that the board loses. Only what it says while
/// it reads the firmware is of interest.
static void log_errors(struct avr_t *board, const int level, const char *format, va_list values) {
  if (!board && level <= LOG_ERROR) vfprintf(stderr, format, values);
}

/// Asleep, the board's time is not to be waited for: whoever runs it paces it.
static void do_not_wait(avr_t *board, avr_cycle_count_t cycles) { (void)board, (void)cycles; }

static avr_cycle_count_t wake(avr_t *board, avr_cycle_count_t when, void *param) {
  (void)board, (void)when, (void)param;
  return 0;
}

/// simavr passes a sleep in one step, until the next of its own timers: let there be one where we have something to do.
static void bound_sleep(avr_cycle_count_t end) {
  if (avr->state != cpu_Sleeping) return;
  if (pending_at < pending_count && next_byte_at < end) end = next_byte_at;
  avr_cycle_timer_cancel(avr, wake, NULL);
  avr_cycle_timer_register(avr, end > avr->cycle ? end - avr->cycle : 1, wake, NULL);
}

void board_start(const char *path, board_events events) {
  elf_firmware_t firmware = {0};
  avr_global_logger_set(log_errors);
  if (elf_read_firmware(path, &firmware) != 0) fprintf(stderr, "atmega328p: cannot read %s\n", path), exit(2);
  told = events;
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) fprintf(stderr, "atmega328p: no such processor in simavr\n"), exit(1);
  avr_init(avr);
  avr_load_firmware(avr, &firmware);
  avr->frequency = 16000000;
  avr->sleep = do_not_wait;
  // Nobody takes these pins' interrupts, and simavr would look at a low pin in each cycle.
  for (uint8_t i = 0; i < 2; i++) avr_extint_set_strict_lvl_trig(avr, i, 0);
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_sent, NULL);
  for (long i = 0; i < 5; i++) avr_irq_register_notify(pin('D', 3 + (int)i), on_servo, (void *)i);
  avr_irq_register_notify(pin('B', 1), on_servo, (void *)5L);
  avr_irq_register_notify(pin('B', 0), on_rail, NULL);
  avr_irq_register_notify(pin('B', 5), on_light, NULL);
  board_set_estop(false);
}

/// In reset all pins float, and the resistors outside pull them low. The e-stop's wire is as it was; simavr forgets it.
static void float_pins(void) {
  board_set_estop(estop_is_open);
  on_rail(NULL, 0, NULL);
  on_light(NULL, 0, NULL);
}

void board_reset(void) {
  avr_reset(avr);
  float_pins();
}

static bool is_hung;
static avr_flashaddr_t hung_at;
static uint8_t under_hang[2];

/// An instruction that jumps to itself, with interrupts off; the firmware is whole again once the processor was reset.
void board_hang(void) {
  static const uint8_t jump_to_itself[2] = {0xFF, 0xCF};
  if (is_hung) return;
  is_hung = true;
  hung_at = avr->pc;
  avr->sreg[S_I] = 0;
  avr->state = cpu_Running;
  memcpy(under_hang, avr->flash + hung_at, sizeof under_hang);
  memcpy(avr->flash + hung_at, jump_to_itself, sizeof jump_to_itself);
}

static void end_hang_after_reset(void) {
  if (!is_hung || avr->pc == hung_at) return;
  is_hung = false;
  memcpy(avr->flash + hung_at, under_hang, sizeof under_hang);
  float_pins();
}

static avr_cycle_count_t cycles_per_byte(void) {
  unsigned divisor = avr->data[REGISTER_UBRR0L] | avr->data[REGISTER_UBRR0H] << 8;
  return (divisor + 1) * (avr->data[REGISTER_UCSR0A] & U2X0 ? 8 : 16) * BITS_PER_BYTE;
}

unsigned board_bit_rate(void) {
  if (!(avr->data[REGISTER_UCSR0B] & RXEN0)) return 0;
  return (unsigned)(avr->frequency * BITS_PER_BYTE / cycles_per_byte());
}

void board_run(uint64_t microseconds) {
  avr_cycle_count_t end = avr->cycle + microseconds * CYCLES_PER_US;
  avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  while (avr->cycle < end) {
    if (pending_at < pending_count && avr->cycle >= next_byte_at) {
      // A receiver that is off hears nothing, but the bytes go by.
      if (avr->data[REGISTER_UCSR0B] & RXEN0) avr_raise_irq(input, pending[pending_at]);
      pending_at++;
      next_byte_at = avr->cycle + cycles_per_byte();
    }
    bound_sleep(end);
    int state = avr_run(avr);
    end_hang_after_reset();
    if (state == cpu_Done || state == cpu_Crashed) fprintf(stderr, "atmega328p: the processor crashed\n"), exit(1);
  }
  if (pending_at == pending_count) pending_at = pending_count = 0;
}

size_t board_receive(const uint8_t *bytes, size_t count) {
  size_t taken = 0;
  while (taken < count && pending_count < sizeof pending) pending[pending_count++] = bytes[taken++];
  return taken;
}

size_t board_unreceived(void) { return pending_count - pending_at; }

uint64_t board_us(void) { return avr->cycle / CYCLES_PER_US; }

bool board_rail(void) { return rail; }

bool board_light(void) { return light; }

double board_pulse(int channel) {
  bool is_old = !fell_at[channel] || avr->cycle - fell_at[channel] > NO_PULSE_US * CYCLES_PER_US;
  return is_old ? 0 : pulse_us[channel];
}

void board_read_eeprom(uint8_t *bytes) {
  avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all);
}

void board_write_eeprom(uint8_t *bytes) {
  avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &all);
}
