// Brings each channel to its target with limited rate and acceleration, in whole numbers only: every processor gives the
// same pulses.
#include "internal.h"

/// How far a channel goes that has `speed` in this tick and brakes in all later ones.
static int32_t travel(int32_t speed, int32_t acceleration) {
  int32_t ticks = speed / acceleration;
  if (ticks > 16383) return INT32_MAX; // further than any channel's range
  return (int32_t)((uint32_t)(ticks + 1) * (uint32_t)(2 * speed - acceleration * ticks) / 2);
}

void sw_prepare_channels(sw_controller *c) {
  for (uint8_t i = 0; i < c->identity.channels; i++) {
    sw_channel *channel = &c->channels[i];
    const uint16_t *settings = sw_of_channel(c, i);
    channel->position = (int32_t)settings[SW_CHANNEL_START] << 8;
    channel->velocity = 0;
    channel->target = channel->position;
    // µs/s and 10 µs/s² into 1/1024 µs per tick of 5 ms.
    channel->fastest = (int32_t)settings[SW_CHANNEL_RATE] * 128 / 25;
    channel->acceleration = (int32_t)settings[SW_CHANNEL_ACCELERATION] * 32 / 125;
  }
}

void sw_brake_channels(sw_controller *c) {
  for (uint8_t i = 0; i < c->identity.channels; i++) {
    sw_channel *channel = &c->channels[i];
    uint16_t safe = sw_of_channel(c, i)[SW_CHANNEL_SAFE];
    bool backward = channel->velocity < 0;
    int32_t speed = (backward ? -channel->velocity : channel->velocity) - channel->acceleration;
    int32_t way = speed > 0 ? travel(speed, channel->acceleration) : 0;
    channel->target = channel->position + (backward ? -way : way);
    if (safe != 0) channel->target = (int32_t)safe << 8;
  }
}

/// One tick of one channel; true when it ran at its full rate.
static bool move(sw_channel *c, const uint16_t *settings) {
  int32_t distance = c->target - c->position;
  if (distance == 0 && c->velocity == 0) return false;
  bool backward = distance < 0 || (distance == 0 && c->velocity < 0);
  if (backward) distance = -distance;
  int32_t speed = backward ? -c->velocity : c->velocity;
  int32_t a = c->acceleration;
  int32_t next;
  if (speed < 0) {
    next = speed + a < 0 ? speed + a : 0;
  } else if (distance <= a && distance <= c->fastest && speed <= a) {
    next = distance;
  } else {
    next = speed + a < c->fastest ? speed + a : c->fastest;
    if (travel(next, a) > distance) next = speed;
    if (travel(next, a) > distance) next = speed > a ? speed - a : 0;
  }
  c->velocity = backward ? -next : next;
  c->position += c->velocity;
  int32_t lowest = (int32_t)settings[SW_CHANNEL_PULSE_MIN] << 8, highest = (int32_t)settings[SW_CHANNEL_PULSE_MAX] << 8;
  if (c->position < lowest || c->position > highest) {
    c->position = c->position < lowest ? lowest : highest;
    c->velocity = 0;
  }
  return next == c->fastest;
}

void sw_move_channels(sw_controller *c) {
  uint16_t bit = 1;
  for (uint8_t i = 0; i < c->identity.channels; i++, bit <<= 1) {
    const uint16_t *settings = sw_of_channel(c, i);
    if (settings[SW_CHANNEL_KIND] && move(&c->channels[i], settings)) c->limited |= bit;
  }
}

uint16_t sw_pulse(const sw_controller *c, uint8_t channel) {
  if (channel >= c->identity.channels || !sw_is_energised(c) || !sw_of_channel(c, channel)[SW_CHANNEL_KIND]) return 0;
  return (uint16_t)((c->channels[channel].position + 128) >> 8);
}
