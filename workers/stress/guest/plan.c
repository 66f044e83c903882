/* The plan: fields that each end in a NUL, as the host wrote them. */

#include "supervisor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *next, *end;

static char *field(void)
{
    char *text = next;
    char *stop = text < end ? memchr(text, 0, (size_t)(end - text)) : NULL;
    if (!stop)
        return NULL;
    next = stop + 1;
    return text;
}

static bool number(uint64_t *value)
{
    char *text = field(), *stop;
    if (!text || !*text)
        return false;
    *value = strtoull(text, &stop, 10);
    return !*stop;
}

static char **fields(void)
{
    uint64_t count;
    if (!number(&count) || count > (uint64_t)(end - next))
        return NULL;
    char **list = calloc(count + 1, sizeof *list);
    for (uint64_t i = 0; list && i < count; i++)
        if (!(list[i] = field()))
            return NULL;
    return list;
}

static char *whole(const char *path, size_t *size)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) < 0)
        return NULL;
    *size = (size_t)about.st_size;
    char *text = malloc(*size + 1);
    if (!text || read(file, text, *size) != (ssize_t)*size)
        return NULL;
    close(file);
    return text;
}

bool plan_read(const char *path, struct plan *plan)
{
    size_t size;
    next = whole(path, &size);
    if (!next)
        return false;
    end = next + size;
    uint64_t count;
    plan->nonce = field();
    if (!plan->nonce || !number(&plan->page_size) || !number(&count) || count > size)
        return false;
    plan->count = count;
    plan->processes = calloc(count + 1, sizeof *plan->processes);
    for (size_t i = 0; plan->processes && i < count; i++) {
        struct process *process = &plan->processes[i];
        process->id = field();
        if (!process->id || !number(&process->milliseconds) || !number(&process->memory))
            return false;
        process->argv = fields();
        process->environment = fields();
        if (!process->argv || !process->argv[0] || !process->environment)
            return false;
    }
    return plan->processes && next == end;
}
