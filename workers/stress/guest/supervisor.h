/* What the parts of the supervisor share. It is the guest's process 1, alone with one process under stress at a time. */

#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* plan.c: what is to be run; read from a file that is gone before anything runs. */

struct process {
    const char *id;
    uint64_t milliseconds;
    uint64_t memory; /* bytes resident */
    char **argv;
    char **environment;
};

struct plan {
    const char *nonce;
    uint64_t page_size;
    size_t count;
    struct process *processes;
};

bool plan_read(const char *path, struct plan *plan);

/* report.c: lines of JSON on the serial port. Strings must need no escapes. */

void report_open(int serial, const char *nonce);
void report(const char *say, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what went wrong (and errno), then ends the machine: nothing more is believed of it. */
_Noreturn void give_up(const char *what);
_Noreturn void power_off(void);

/* stream.c: the head and the tail of a stream without end. */

struct stream {
    char *head, *tail;
    size_t head_used, head_size;
    size_t tail_used, tail_size, tail_at; /* tail_at: where the next byte goes */
    uint64_t total;
};

void stream_make(struct stream *stream, size_t size);
void stream_clear(struct stream *stream);
void stream_add(struct stream *stream, const char *bytes, size_t count);
void stream_printf(struct stream *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* evidence.c: frames on the virtio disk, one after another. */

enum kind { STDOUT = 1, STDERR = 2, KERNEL_LOG = 3, MAPS = 4, CORE = 5 };

void evidence_open(int disk, const char *nonce);
bool evidence_stream(uint32_t process, enum kind kind, const struct stream *stream);
bool evidence_core(uint32_t process, int core, uint64_t leave);
bool evidence_flush(void);

/* watch.c: what the kernel says of running processes. */

void kernel_log_open(int kmsg);
void kernel_log_skip(void);
void kernel_log_read(struct stream *stream);
uint64_t oom_kills(void);
uint64_t resident(void);
void describe_processes(struct stream *stream, pid_t first);
bool read_text(const char *path, char *text, size_t size);
bool write_text(const char *path, const char *text);

/* run.c */

void run_process(const struct plan *plan, size_t index);

#endif
