// An emulated ATmega328P with our firmware: its line, its pins and its time. One board to a program.
#ifndef SINEW_BOARD_H
#define SINEW_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_CHANNELS = 6, CYCLES_PER_US = 16, NO_PULSE_US = 40000 };

/// What the board does, while `board_run` runs. All of them are called.
typedef struct {
  void (*sent)(uint8_t byte);
  void (*rail)(bool is_on);
  void (*light)(bool is_on);
  void (*pulse)(int channel, double width_us);
} board_events;

/// Makes the board and starts its firmware, e-stop closed. Ends the program with a message when it cannot.
void board_start(const char *firmware, board_events events);
/// Presses the reset button for a moment. Power, RAM and EEPROM stay.
void board_reset(void);
/// The firmware stops where it is, for ever.
void board_hang(void);
/// The e-stop's wire to ground.
void board_set_estop(bool is_open);
/// Lets time pass.
void board_run(uint64_t microseconds);
/// Puts bytes on the line, one behind the other at the board's own bit rate; gives how many found room.
size_t board_receive(const uint8_t *bytes, size_t count);
/// Bytes that are not on the line yet.
size_t board_unreceived(void);
/// Bit rate that the firmware has set its UART to; 0: it does not receive.
unsigned board_bit_rate(void);
/// Time since the board was made, µs.
uint64_t board_us(void);
bool board_rail(void);
bool board_light(void);
/// Length of the channel's last pulse, µs; 0: none ended within the last 40 ms.
double board_pulse(int channel);
/// Its EEPROM: 1,024 bytes.
void board_read_eeprom(uint8_t *bytes);
void board_write_eeprom(uint8_t *bytes);

enum { EEPROM_BYTES = 1024 };

#endif
