/*
 * Frames on the disk. A frame is a block of 512 bytes with its header, then its content, padded to whole blocks. The
 * header is written last, so a frame that did not fit is not there. Numbers are little-endian:
 *
 *   nonce (32 bytes), process, kind, CRC-32 of the content, 0 (4 bytes each),
 *   length of the content, length of what it was taken from (8 bytes each), CRC-32 of all before
 *
 * A core has holes. Its content is a list of pieces: offset, length (8 bytes each), bytes.
 */

#define _GNU_SOURCE
#include "supervisor.h"

#include <arm_acle.h>
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512 };

struct header {
    char nonce[32];
    uint32_t process, kind, content_crc, zero;
    uint64_t length, total;
    uint32_t crc;
};

static int disk;
static const char *nonce;
static uint64_t capacity, position;

static uint64_t length;
static uint32_t crc;
static bool failed;

void evidence_open(int to, const char *with)
{
    disk = to;
    nonce = with;
    if (ioctl(disk, BLKGETSIZE64, &capacity) < 0)
        give_up("the evidence disk has no size");
}

static uint32_t crc_of(uint32_t value, const unsigned char *bytes, size_t count)
{
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        value = __crc32d(value, word);
    }
    for (; count > 0; bytes++, count--)
        value = __crc32b(value, *bytes);
    return value;
}

static bool write_at(uint64_t at, const void *bytes, size_t count)
{
    for (const char *from = bytes; count > 0;) {
        ssize_t written = pwrite(disk, from, count, (off_t)at);
        if (written <= 0)
            return false;
        from += written;
        at += (uint64_t)written;
        count -= (size_t)written;
    }
    return true;
}

static void begin(void)
{
    length = 0;
    crc = ~0U;
    failed = false;
}

static void add(const void *bytes, size_t count)
{
    uint64_t at = position + BLOCK + length;
    failed = failed || at + count > capacity || !write_at(at, bytes, count);
    crc = crc_of(crc, bytes, count);
    length += count;
}

static bool end(uint32_t process, enum kind kind, uint64_t total)
{
    unsigned char block[BLOCK] = {0};
    struct header header = {.process = process, .kind = kind, .content_crc = ~crc, .length = length, .total = total};
    memcpy(header.nonce, nonce, sizeof header.nonce);
    header.crc = ~crc_of(~0U, (const unsigned char *)&header, offsetof(struct header, crc));
    memcpy(block, &header, sizeof header);
    uint64_t whole = BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    if (failed || position + whole > capacity || !write_at(position, block, BLOCK))
        return false;
    position += whole;
    return true;
}

bool evidence_stream(uint32_t process, enum kind kind, const struct stream *stream)
{
    begin();
    add(stream->head, stream->head_used);
    bool full = stream->tail_used == stream->tail_size;
    if (full)
        add(stream->tail + stream->tail_at, stream->tail_size - stream->tail_at);
    add(stream->tail, full ? stream->tail_at : stream->tail_used);
    return end(process, kind, stream->total);
}

/* `leave`: bytes of the disk that must stay free for what comes after. */
bool evidence_core(uint32_t process, int core, uint64_t leave)
{
    static char buffer[1 << 18];
    struct stat about;
    if (fstat(core, &about) < 0 || about.st_blocks * 512ULL + leave > capacity - position)
        return false;
    begin();
    off_t at = 0, hole;
    while (!failed && (at = lseek(core, at, SEEK_DATA)) >= 0 && (hole = lseek(core, at, SEEK_HOLE)) > at) {
        uint64_t piece[2] = {(uint64_t)at, (uint64_t)(hole - at)};
        add(piece, sizeof piece);
        for (; !failed && at < hole;) {
            size_t wanted = (size_t)(hole - at) < sizeof buffer ? (size_t)(hole - at) : sizeof buffer;
            ssize_t got = pread(core, buffer, wanted, at);
            if (got <= 0)
                return false;
            add(buffer, (size_t)got);
            at += got;
        }
    }
    return end(process, CORE, (uint64_t)about.st_size);
}

bool evidence_flush(void)
{
    return fsync(disk) == 0;
}
