// An ATmega328P at 16 MHz: the five functions of the hardware layer.
//
// Pins, with the numbers of an Arduino Uno: servos on 3, 4, 5, 6, 7, 9; power switch of the servos on 8, high = on (a pull
// resistor must keep it off during reset); e-stop between 2 and ground, closed when all is well; light on 13.
// Timer 1 counts half microseconds, makes the clock and ends the pulses, one channel after the other: six pulses of at
// most 2.6 ms fit into the 20 ms of a frame, so frames come at 50 Hz whatever frame_hz says above that. Timer 0 ends a sleep
// after a millisecond.
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "hardware.h"

#ifndef BAUD
#define BAUD 1000000ul
#endif
enum { CHANNELS = 6, FRAME_TICKS = 40000, RECEIVE = 64, TRANSMIT = 128 };

static const uint8_t port_d_bits = 0xF8, rail_bit = 1 << PB0, sixth_bit = 1 << PB1, light_bit = 1 << PB5;

// Survives a reset, not a loss of power.
static uint16_t boot_count __attribute__((section(".noinit")));

// MARK: Time and pulses

static volatile uint32_t overflow_us;
/// Pulses in timer ticks; 0: none.
static volatile uint16_t pulse_ticks[CHANNELS];
static uint8_t slot = CHANNELS;
static uint16_t frame_began;

ISR(TIMER1_OVF_vect) { overflow_us += 32768; }

uint32_t hw_now_us(void) {
  uint8_t interrupts = SREG;
  cli();
  uint32_t base = overflow_us;
  uint16_t ticks = TCNT1;
  if (TIFR1 & 1 << TOV1 && ticks < 0x8000) base += 32768; // it ran over since interrupts are off
  SREG = interrupts;
  return base + ticks / 2;
}

static void put_out(uint8_t channel, uint8_t on) {
  if (channel < 5) {
    uint8_t bit = 1 << (PD3 + channel);
    if (on) PORTD |= bit;
    else PORTD &= ~bit;
  } else {
    if (on) PORTB |= sixth_bit;
    else PORTB &= ~sixth_bit;
  }
}

/// The end of a slot: of a channel's pulse, of a channel without one, or of the frame's rest.
ISR(TIMER1_COMPA_vect) {
  if (slot < CHANNELS) {
    put_out(slot, 0);
    slot++;
  } else {
    slot = 0;
    frame_began = OCR1A;
  }
  if (slot == CHANNELS) {
    OCR1A = frame_began + FRAME_TICKS;
  } else if (pulse_ticks[slot]) {
    // From now, not from when the slot was due: other interrupts may have come first, and the pulse must be whole.
    put_out(slot, 1);
    OCR1A = TCNT1 + pulse_ticks[slot];
  } else {
    OCR1A = TCNT1 + 100;
  }
}

// MARK: Serial line

static volatile uint8_t received[RECEIVE], receive_in, lost;
static uint8_t receive_out;
static volatile uint8_t sent_out;
static uint8_t to_send[TRANSMIT], sent_in;

ISR(USART_RX_vect) {
  if (UCSR0A & (1 << DOR0 | 1 << FE0)) lost = 1;
  uint8_t byte = UDR0, next = (receive_in + 1) % RECEIVE;
  if (next == receive_out) {
    lost = 1;
  } else {
    received[receive_in] = byte;
    receive_in = next;
  }
}

ISR(USART_UDRE_vect) {
  if (sent_out == sent_in) {
    UCSR0B &= ~(1 << UDRIE0);
    return;
  }
  UDR0 = to_send[sent_out];
  sent_out = (sent_out + 1) % TRANSMIT;
}

int16_t hw_receive(void) {
  if (lost) {
    lost = 0;
    return HW_LOST;
  }
  if (receive_out == receive_in) return HW_NOTHING;
  uint8_t byte = received[receive_out];
  receive_out = (receive_out + 1) % RECEIVE;
  return byte;
}

void hw_transmit(const uint8_t *bytes, uint8_t count) {
  uint8_t used = (sent_in - sent_out + TRANSMIT) % TRANSMIT;
  if (count > TRANSMIT - 1 - used) return;
  for (uint8_t i = 0; i < count; i++) {
    to_send[sent_in] = bytes[i];
    sent_in = (sent_in + 1) % TRANSMIT;
  }
  UCSR0B |= 1 << UDRIE0;
}

// MARK: Sleep

static volatile uint8_t has_ticked;

ISR(TIMER0_COMPA_vect) { has_ticked = 1; }

/// Sleeps until an interrupt, unless a byte waits or the millisecond is over. What wakes it is seen in the next round.
static void rest(void) {
  cli();
  if (receive_out == receive_in && !lost && !has_ticked) {
    sleep_enable();
    sei(); // takes effect after the next instruction: nothing comes in between
    sleep_cpu();
    sleep_disable();
  }
  has_ticked = 0;
  sei();
}

// MARK: Outputs and inputs

/// Off: idle. Slow: hold. Fast: safe, fault or e-stop. On: active. Armed flickers briefly.
static uint8_t light(uint8_t state, uint32_t now_us) {
  uint8_t phase = (uint8_t)(now_us >> 16); // 65 ms
  switch (state) {
    case SW_STATE_ACTIVE: return 1;
    case SW_STATE_ARMED: return (phase & 15) == 0;
    case SW_STATE_HOLD: return phase >> 3 & 1;
    case SW_STATE_SAFE:
    case SW_STATE_FAULT:
    case SW_STATE_ESTOP: return phase >> 1 & 1;
    default: return 0;
  }
}

void hw_exchange(const sw_controller *controller, sw_inputs *inputs) {
  wdt_reset();
  bool is_on = sw_rail_is_on(controller);
  for (uint8_t i = 0; i < CHANNELS; i++) {
    uint16_t ticks = sw_pulse(controller, i) / 2;
    cli();
    pulse_ticks[i] = ticks;
    sei();
  }
  cli();
  if (!is_on) PORTD &= ~port_d_bits;
  uint8_t b = PORTB & ~(rail_bit | light_bit);
  if (!is_on) b &= ~sixth_bit;
  if (sw_rail_level(controller)) b |= rail_bit;
  if (light(controller->state, overflow_us)) b |= light_bit;
  PORTB = b;
  rest();
  inputs->estop_open = PIND >> PD2 & 1;
}

// MARK: Configuration store

int8_t hw_memory(uint16_t address, uint8_t *byte, bool write) {
  // What was written is read back when the next byte comes: writing takes 3.4 ms, and nothing waits for it.
  static uint16_t last_address = 0xFFFF;
  static uint8_t last_byte;
  if (!eeprom_is_ready()) return HW_BUSY;
  if (!write) {
    *byte = eeprom_read_byte((const uint8_t *)address);
    return HW_DONE;
  }
  bool is_same = last_address == address && last_byte == *byte;
  last_address = address;
  last_byte = *byte;
  if (eeprom_read_byte((const uint8_t *)address) == *byte) {
    last_address = 0xFFFF;
    return HW_DONE;
  }
  if (is_same) { // written once already, and it did not hold
    last_address = 0xFFFF;
    return HW_FAILED;
  }
  eeprom_write_byte((uint8_t *)address, *byte);
  return HW_BUSY;
}

int main(void) {
  uint8_t cause = MCUSR;
  MCUSR = 0;
  wdt_enable(WDTO_250MS);
  if (cause & 1 << PORF) boot_count = 0;
  boot_count++;
  // Everything off and defined before anything is an output.
  PORTB = 0;
  PORTD = 1 << PD2; // pull-up of the e-stop input
  DDRB = rail_bit | sixth_bit | light_bit;
  DDRD = port_d_bits;
  OCR1A = FRAME_TICKS;
  TCCR1B = 1 << CS11;
  TIMSK1 = 1 << OCIE1A | 1 << TOIE1;
  OCR0A = F_CPU / 64 / 1000 - 1;
  TCCR0A = 1 << WGM01;
  TCCR0B = 1 << CS01 | 1 << CS00;
  TIMSK0 = 1 << OCIE0A;
  UCSR0A = 1 << U2X0;
  UBRR0 = (F_CPU / 4 / BAUD - 1) / 2;
  UCSR0C = 1 << UCSZ01 | 1 << UCSZ00;
  UCSR0B = 1 << RXEN0 | 1 << TXEN0 | 1 << RXCIE0;
  sei();
  sw_identity identity = {
      .firmware = 0x0100,
      .board = 1,
      .boot_count = boot_count,
      .capabilities = SW_CAPABILITY_RAIL_SWITCH,
      .maximum_rate_hz = 200,
      .channels = CHANNELS,
      .reset = cause & 1 << PORF    ? SW_RESET_POWER
               : cause & 1 << BORF  ? SW_RESET_BROWN_OUT
               : cause & 1 << WDRF  ? SW_RESET_WATCHDOG
               : cause & 1 << EXTRF ? SW_RESET_EXTERNAL
                                    : SW_RESET_UNKNOWN,
  };
  firmware_run(&identity);
}
