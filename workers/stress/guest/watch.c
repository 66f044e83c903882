/* What /proc and the kernel log say. Every process but this one, and the kernel's own threads, is under stress. */

#define _GNU_SOURCE
#include "supervisor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TASKS = 256, MOST_PROCESSES = 8 };

static int kmsg;

void kernel_log_open(int from)
{
    kmsg = from;
}

void kernel_log_skip(void)
{
    lseek(kmsg, 0, SEEK_END);
}

/* A record is "level,number,time,flags;text", then lines of properties. */
void kernel_log_read(struct stream *stream)
{
    char record[8192];
    for (;;) {
        ssize_t got = read(kmsg, record, sizeof record - 1);
        if (got < 0 && (errno == EPIPE || errno == EINTR))
            continue; /* EPIPE: records were overwritten, the next read goes on behind them */
        if (got <= 0)
            return;
        record[got] = 0;
        char *text = strchr(record, ';');
        if (text++)
            stream_add(stream, text, strcspn(text, "\n") + 1);
    }
}

bool read_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, size - 1);
    if (file >= 0)
        close(file);
    text[got < 0 ? 0 : got] = 0;
    return got >= 0;
}

bool write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
    if (file >= 0)
        close(file);
    return written;
}

uint64_t oom_kills(void)
{
    static char text[16384];
    char *found = read_text("/proc/vmstat", text, sizeof text) ? strstr(text, "\noom_kill ") : NULL;
    return found ? strtoull(found + strlen("\noom_kill "), NULL, 10) : 0;
}

static pid_t next_process(DIR *directory)
{
    for (struct dirent *entry; (entry = readdir(directory));) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (isdigit((unsigned char)entry->d_name[0]) && pid != getpid())
            return pid;
    }
    return 0;
}

/* Bytes resident of all processes together; what they share counts for each. */
uint64_t resident(void)
{
    char path[64], text[256];
    uint64_t pages = 0, size, in_memory;
    DIR *directory = opendir("/proc");
    if (!directory)
        give_up("/proc cannot be read");
    for (pid_t pid; (pid = next_process(directory));) {
        snprintf(path, sizeof path, "/proc/%d/statm", pid);
        if (read_text(path, text, sizeof text) && sscanf(text, "%lu %lu", &size, &in_memory) == 2)
            pages += in_memory;
    }
    closedir(directory);
    return pages * (uint64_t)getpagesize();
}

static void add_file(struct stream *stream, const char *path)
{
    char text[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got; file >= 0 && (got = read(file, text, sizeof text)) > 0;)
        stream_add(stream, text, (size_t)got);
    if (file >= 0)
        close(file);
}

static void describe_tasks(struct stream *stream, pid_t pid)
{
    char path[128], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (int count = 0; tasks && count < MOST_TASKS; count++) {
        pid_t tid = next_process(tasks);
        if (!tid)
            break;
        snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, tid);
        read_text(path, text, sizeof text);
        char *state = strstr(text, "State:\t");
        stream_printf(stream, "thread %d %.*s", tid, (int)strcspn(text + (text[0] ? 6 : 0), "\n"), text[0] ? text + 6 : "");
        stream_printf(stream, ": %.*s", state ? (int)strcspn(state + 7, "\n") : 0, state ? state + 7 : "");
        snprintf(path, sizeof path, "/proc/%d/task/%d/wchan", pid, tid);
        read_text(path, text, 128);
        stream_printf(stream, ", waits in %s\n", text[0] ? text : "0");
    }
    if (tasks)
        closedir(tasks);
}

/* Thread states of all processes (the `first` before others), then the memory map of `first`. */
void describe_processes(struct stream *stream, pid_t first)
{
    char path[64], text[256];
    describe_tasks(stream, first);
    DIR *directory = opendir("/proc");
    int count = 0;
    for (pid_t pid; directory && count < MOST_PROCESSES && (pid = next_process(directory));) {
        snprintf(path, sizeof path, "/proc/%d/statm", pid);
        bool of_the_kernel = !read_text(path, text, sizeof text) || strncmp(text, "0 ", 2) == 0;
        if (pid == first || of_the_kernel)
            continue;
        count++;
        stream_printf(stream, "process %d\n", pid);
        describe_tasks(stream, pid);
    }
    if (directory)
        closedir(directory);
    snprintf(path, sizeof path, "/proc/%d/maps", first);
    add_file(stream, path);
}
