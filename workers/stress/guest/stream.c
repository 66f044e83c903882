/* Keeps the first quarter and the last three quarters of what a stream may hold. */

#include "supervisor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stream_make(struct stream *stream, size_t size)
{
    stream->head_size = size / 4;
    stream->tail_size = size - stream->head_size;
    stream->head = malloc(stream->head_size);
    stream->tail = malloc(stream->tail_size);
    if (!stream->head || !stream->tail)
        give_up("there is no memory for the streams");
    stream_clear(stream);
}

void stream_clear(struct stream *stream)
{
    stream->head_used = stream->tail_used = stream->tail_at = 0;
    stream->total = 0;
}

void stream_add(struct stream *stream, const char *bytes, size_t count)
{
    stream->total += count;
    size_t room = stream->head_size - stream->head_used;
    size_t first = count < room ? count : room;
    memcpy(stream->head + stream->head_used, bytes, first);
    stream->head_used += first;
    for (bytes += first, count -= first; count > 0;) {
        size_t piece = stream->tail_size - stream->tail_at;
        piece = count < piece ? count : piece;
        memcpy(stream->tail + stream->tail_at, bytes, piece);
        stream->tail_at = (stream->tail_at + piece) % stream->tail_size;
        stream->tail_used += piece;
        bytes += piece;
        count -= piece;
    }
    if (stream->tail_used > stream->tail_size)
        stream->tail_used = stream->tail_size;
}

void stream_printf(struct stream *stream, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (used > 0)
        stream_add(stream, text, (size_t)used < sizeof text ? (size_t)used : sizeof text - 1);
}
