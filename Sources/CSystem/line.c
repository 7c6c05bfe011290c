#include "CSystem.h"

int64_t sinew_line_now(const sinew_line *line) { return line->now(line->context); }

int sinew_line_wait(const sinew_line *line, bool for_writing, int64_t deadline) {
  return line->wait(line->context, for_writing, deadline);
}

int64_t sinew_line_read(const sinew_line *line, void *buffer, size_t capacity) {
  return line->read(line->context, buffer, capacity);
}

int64_t sinew_line_write(const sinew_line *line, const void *bytes, size_t count) {
  return line->write(line->context, bytes, count);
}

void sinew_line_sleep(const sinew_line *line, int64_t deadline) { line->sleep(line->context, deadline); }

void sinew_line_close(const sinew_line *line) { line->close(line->context); }
